import type { OwnerMatch } from 'iptables-parser'
import { setTerm } from '../test.ts'
import { single } from '../tree/interval.ts'
import { rangeStep } from './range.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'

/** Without a socket, or one that no process holds, `uid` and `gid` are numbers that no user and no group has, so that only negated ranges hold. */
export const owner: MatchTranslator<OwnerMatch> = ({ socketExists, user, group, supplementaryGroups }) => {
  if (supplementaryGroups)
    throw new Untranslatable('--suppl-groups walks along a list of groups', {
      hint: 'ask for the first group of the user alone',
    })
  return [
    ...(socketExists ? [setTerm('socket', 4, single(1), socketExists.negated)] : []),
    ...rangeStep('uid', user),
    ...rangeStep('gid', group),
  ]
}
