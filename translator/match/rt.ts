import type { RtMatch } from 'iptables-parser'
import { type Step, setTest } from '../test.ts'
import { single } from '../tree/interval.ts'
import { answerTest } from './answer.ts'
import { headerWanted } from './extension.ts'
import { rangeStep, valueStep } from './range.ts'
import type { MatchTranslator } from './translate.ts'

export const rt: MatchTranslator<RtMatch> = match => [
  ...headerWanted('routing'),
  ...rangeStep('segments-left', match.segmentsLeft),
  ...valueStep('routing-length', match.length),
  ...valueStep('routing-type', match.type),
  ...(match.reserved ? [setTest('routing-reserved', single(0))] : []),
  ...(match.addresses ? addressSteps(match.addresses, match.notStrict) : []),
]

/** Bytes of a header before its addresses, and of an address. */
const FIXED = 8
const ADDRESS = 16

/** Strictly, the addresses are all there are: that is how many fit into the header. */
function addressSteps(asked: readonly bigint[], notStrict: boolean): Step[] {
  const addresses = asked.map(String)
  if (notStrict) return [answerTest({ kind: 'addresses-among', addresses })]
  const least = FIXED + ADDRESS * addresses.length
  return [
    setTest('routing-length', [{ low: least, end: least + ADDRESS }]),
    answerTest({ kind: 'addresses', addresses }),
  ]
}
