import type { OwnerMatch } from 'iptables-parser'
import { type Step, setTerm, setTest } from '../test.ts'
import { single } from '../tree/interval.ts'
import { rangeStep } from './range.ts'
import type { MatchTranslator } from './translate.ts'

/**
 * Without a socket, or one that no process holds, `uid` and `gid` are numbers that no user and no group has, so that only negated ranges hold. With
 * --suppl-groups nothing holds without a socket.
 */
export const owner: MatchTranslator<OwnerMatch> = ({ socketExists, user, group, supplementaryGroups }) => [
  ...(socketExists ? [setTerm('socket', 4, single(1), socketExists.negated)] : []),
  ...(supplementaryGroups ? [setTest('socket', single(1))] : []),
  ...rangeStep('uid', user),
  ...(supplementaryGroups ? groupSteps(group) : rangeStep('gid', group)),
]

const groupSteps = (group: OwnerMatch['group']): Step[] =>
  group ? [{ kind: 'group', ...group.value, negated: group.negated }] : []
