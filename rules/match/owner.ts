import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineMatch } from '../extension.ts'
import { flag, option } from '../option.ts'
import type { SocketOwner } from '../packet.ts'
import { agrees, asTerm, listTerm, printTerm, type Term } from '../term.ts'
import { isIn, type Range } from '../value/number.ts'
import { nameOwners, parseOwners, printOwners } from '../value/owner.ts'

/** Who owns the socket that sent a packet. */
export interface OwnerMatch {
  readonly kind: 'owner'
  readonly socketExists?: Term<true>
  readonly user?: Term<Range>
  readonly group?: Term<Range>
  /** Any of the owner's groups may be the one, not just the first. */
  readonly supplementaryGroups: boolean
}

export const owner = defineMatch<OwnerMatch>()({
  name: 'owner',
  chains: ['OUTPUT', 'POSTROUTING'],
  options: {
    'socket-exists': flag({ negatable: true }),
    'uid-owner': option(text => parseOwners(text, 'user'), { negatable: true }),
    'gid-owner': option(text => parseOwners(text, 'group'), { negatable: true }),
    'suppl-groups': flag(),
  },
  requiresOneOf: ['socket-exists', 'uid-owner', 'gid-owner'],
  build(given, { uses }) {
    const names = uses.map(use => use.name)
    if (given['suppl-groups'] && !names.slice(0, names.indexOf('suppl-groups')).includes('gid-owner'))
      throw new RuleError('ERR_OPTION', '--gid-owner must stand before --suppl-groups', {
        span: given['suppl-groups'].span,
      })
    return {
      kind: 'owner',
      ...defined({
        socketExists: asTerm(given['socket-exists']),
        user: asTerm(given['uid-owner']),
        group: asTerm(given['gid-owner']),
      }),
      supplementaryGroups: given['suppl-groups'] !== undefined,
    }
  },
  print: match =>
    (match.socketExists ? `${match.socketExists.negated ? ' !' : ''} --socket-exists` : '') +
    printTerm('uid-owner', match.user, printOwners) +
    printTerm('gid-owner', match.group, printOwners) +
    (match.supplementaryGroups ? ' --suppl-groups' : ''),
  list: (match, { numeric }) =>
    (match.socketExists ? `${match.socketExists.negated ? ' !' : ''} owner socket exists` : '') +
    listTerm('owner UID match', match.user, numeric ? printOwners : nameOwners) +
    listTerm('owner GID match', match.group, numeric ? printOwners : nameOwners) +
    (match.supplementaryGroups ? ' incl. suppl. groups' : ''),
  evaluate: (match, packet) => isOwned(match, packet.owner),
})

/** net/netfilter/xt_owner.c: without a socket all that is asked must be negated, and --suppl-groups cannot be. */
function isOwned(match: OwnerMatch, actual: SocketOwner | undefined): boolean {
  const { socketExists, user, group } = match
  if (!actual && match.supplementaryGroups) return false
  if (!actual) return [socketExists, user, group].every(asked => !asked || asked.negated)
  const groups = match.supplementaryGroups ? [actual.group, ...actual.supplementaryGroups] : [actual.group]
  return (
    agrees(socketExists, () => true) &&
    agrees(user, range => isIn(actual.user, range)) &&
    agrees(group, range => groups.some(one => isIn(one, range)))
  )
}
