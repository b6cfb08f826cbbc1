import type { Ipv6headerMatch } from 'iptables-parser'
import { headerKinds } from '../extension-field.ts'
import { setTest } from '../test.ts'
import { complement, single } from '../tree/interval.ts'
import { maskStep } from './mask.ts'
import type { MatchTranslator } from './translate.ts'

const { WHOLE } = headerKinds

/** Softly, each header named must be there, or negated each must be missing; else they must be all there are, or not. */
export const ipv6header: MatchTranslator<Ipv6headerMatch> = ({ headers: { value, negated }, soft }) => {
  const wanted = value.reduce<number>((bits, name) => bits | headerKinds[name], WHOLE)
  if (soft)
    return maskStep('header-kinds', {
      value: { value: negated ? WHOLE : wanted, mask: wanted },
      negated: false,
    })
  return [
    setTest(
      'header-kinds',
      negated ? complement(single(wanted), { low: WHOLE, end: 2 * WHOLE }) : single(wanted),
    ),
  ]
}
