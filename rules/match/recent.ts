import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { type BuildContext, defineMatch } from '../extension.ts'
import { flag, type Given, option, type ValueContext } from '../option.ts'
import { type Term, term } from '../term.ts'
import { fullMask, parseAddress, printAddress } from '../value/address.ts'
import { parseName, printName } from '../value/name.ts'
import { maximum, parseNumber } from '../value/number.ts'

const COMMANDS = ['set', 'rcheck', 'update', 'remove'] as const
export type RecentCommand = (typeof COMMANDS)[number]
const LISTED = { set: 'SET', rcheck: 'CHECK', update: 'UPDATE', remove: 'REMOVE' } as const

/** Asks or changes a list of addresses that the kernel keeps with the times they were seen at. */
export interface RecentMatch {
  readonly kind: 'recent'
  readonly command: Term<RecentCommand>
  readonly name: string
  /** Seen within so many seconds. */
  readonly seconds?: number
  /** Older times are forgotten. */
  readonly reap: boolean
  /** Seen at least so often. */
  readonly hitCount?: number
  /** Seen with the TTL that this packet has. */
  readonly sameTtl: boolean
  /** Of the address, the bits that are listed. */
  readonly mask: bigint
  readonly side: 'source' | 'destination'
}

/** XT_RECENT_NAME_LEN, with its NUL. */
const NAME_SIZE = 200
/** XT_RECENT_MAX_NSTAMPS of Linux 6.18, less one; it was 255 once, and such a kernel refuses more. */
const MOST_HITS = maximum(16)

const commandOption = (name: RecentCommand) =>
  flag({ negatable: true, excludes: COMMANDS.filter(other => other !== name) })
const ONLY_ASKING = ['set', 'remove']

export const recent = defineMatch<RecentMatch>()({
  name: 'recent',
  options: {
    set: commandOption('set'),
    rcheck: commandOption('rcheck'),
    update: commandOption('update'),
    remove: commandOption('remove'),
    seconds: option(text => parseNumber(text, 1, maximum(32), 'number of seconds'), {
      excludes: ONLY_ASKING,
    }),
    reap: flag(),
    hitcount: option(text => parseNumber(text, 0, MOST_HITS, 'hit count')),
    rttl: flag({ excludes: ONLY_ASKING }),
    name: option(parseListName),
    mask: option((text, { family }: ValueContext) => parseAddress(text, family)),
    rsource: flag(),
    rdest: flag(),
  },
  requiresOneOf: COMMANDS,
  build(given, context) {
    if (given.reap && !given.seconds) throw new RuleError('ERR_OPTION', '--reap needs --seconds', given.reap)
    const hitCount = given.hitcount?.value || undefined
    if (hitCount !== undefined && (given.set || given.remove))
      throw new RuleError('ERR_OPTION', '--hitcount goes only with --rcheck and --update', given.hitcount)
    return {
      kind: 'recent',
      command: commandOf(given),
      name: given.name?.value ?? 'DEFAULT',
      ...defined({ seconds: given.seconds?.value, hitCount }),
      reap: given.reap !== undefined,
      sameTtl: given.rttl !== undefined,
      mask: given.mask?.value ?? fullMask(context.family),
      side: sideOf(context),
    }
  },
  print: (match, { family }) =>
    `${match.command.negated ? ' !' : ''} --${match.command.value}` +
    (match.seconds === undefined ? '' : ` --seconds ${match.seconds}`) +
    (match.reap ? ' --reap' : '') +
    (match.hitCount === undefined ? '' : ` --hitcount ${match.hitCount}`) +
    (match.sameTtl ? ' --rttl' : '') +
    ` --name ${printName(match.name)} --mask ${printAddress(family, match.mask)}` +
    (match.side === 'source' ? ' --rsource' : ' --rdest'),
  list: (match, { family }) =>
    `${match.command.negated ? ' !' : ''} recent: ${LISTED[match.command.value]}` +
    (match.seconds === undefined ? '' : ` seconds: ${match.seconds}`) +
    (match.reap ? ' reap' : '') +
    (match.hitCount === undefined ? '' : ` hit_count: ${match.hitCount}`) +
    (match.sameTtl ? ' TTL-Match' : '') +
    ` name: ${match.name} side: ${match.side === 'source' ? 'source' : 'dest'}` +
    ` mask: ${printAddress(family, match.mask)}`,
})

/** The kernel shows a list as a file of its name. */
function parseListName(text: string): string {
  if (text.includes('/')) throw new RuleError('ERR_VALUE', `the list name "${text}" has a slash in it`)
  return parseName(text, NAME_SIZE, 'list')
}

function commandOf(given: { readonly [C in RecentCommand]?: Given<true> }): Term<RecentCommand> {
  const command = COMMANDS.find(name => given[name]) ?? 'rcheck'
  return term(command, given[command]?.negated)
}

/** Of several the last one counts. */
const sideOf = ({ uses }: BuildContext): RecentMatch['side'] =>
  uses.findLast(use => use.name === 'rsource' || use.name === 'rdest')?.name === 'rdest'
    ? 'destination'
    : 'source'
