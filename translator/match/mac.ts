import type { MacMatch } from 'iptables-parser'
import { MAC_THERE } from '../field.ts'
import { setTest } from '../test.ts'
import { complement, single } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'

/** What did not come in an Ethernet frame never matches, negated or not. */
export const mac: MatchTranslator<MacMatch> = ({ source }) => {
  const wanted = single(MAC_THERE | BigInt(source.value))
  return [
    setTest('mac', source.negated ? complement(wanted, { low: MAC_THERE, end: 2n * MAC_THERE }) : wanted),
  ]
}
