import type { TcpMatch, Term } from 'iptables-parser'
import { type TcpOptionWord, tcpOptions } from '../field.ts'
import { type Step, setTest } from '../test.ts'
import { single } from '../tree/interval.ts'
import { maskStep } from './mask.ts'
import { rangeStep } from './range.ts'
import type { MatchTranslator } from './translate.ts'
import { wholeTcpHeader } from './transport.ts'

export const tcp: MatchTranslator<TcpMatch> = ({ sourcePort, destinationPort, flags, option }) => [
  ...wholeTcpHeader,
  ...rangeStep('sport', sourcePort),
  ...rangeStep('dport', destinationPort),
  ...maskStep(
    'tcp-flags',
    flags && { value: { value: flags.value.set, mask: flags.value.mask }, negated: flags.negated },
  ),
  ...optionSteps(option),
]

/** The kernel takes option 0 for none asked. */
function optionSteps(asked: Term<number> | undefined): Step[] {
  if (!asked || asked.value === 0) return []
  const word = (asked.value >>> 5) as TcpOptionWord
  const bit = (1 << (asked.value & 31)) >>> 0
  return [
    { kind: 'hotdrop', when: setTest('tcp-options', single(tcpOptions.malformed)) },
    { kind: 'mask', field: `tcp-options-${word}`, mask: bit, value: bit, negated: asked.negated },
  ]
}
