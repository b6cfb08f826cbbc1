import type { StatisticMatch } from 'iptables-parser'
import type { MatchTranslator } from './translate.ts'

/** net/netfilter/xt_statistic.c; libxt_statistic starts the count so that the packet of that number is the first to match. */
export const statistic: MatchTranslator<StatisticMatch> = match => {
  if (match.mode === 'random') {
    const { value, negated } = match.probability
    return [{ kind: 'chance', probability: value, negated }]
  }
  const { value: every, negated } = match.every
  return [{ kind: 'nth', every, start: every - 1 - match.packet, negated }]
}
