import type { CgroupMatch } from 'iptables-parser'
import { CLASS_THERE } from '../field.ts'
import { setTest } from '../test.ts'
import { complement, single } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'

/** net/netfilter/xt_cgroup.c: a packet without a socket matches neither way. */
export const cgroup: MatchTranslator<CgroupMatch> = match => {
  if ('path' in match) return [{ kind: 'cgroup', path: match.path.value, negated: match.path.negated }]
  const { value, negated } = match.classId
  const set = single(CLASS_THERE | BigInt(value))
  return [setTest('classid', negated ? complement(set, { low: CLASS_THERE, end: 2n * CLASS_THERE }) : set)]
}
