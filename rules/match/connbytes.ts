import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { type Conntrack, isTracked } from '../packet.ts'
import { agrees, asTerm, listTerm, printTerm, type Term, term } from '../term.ts'
import { parseBigNumber } from '../value/big-number.ts'

/** At least `low` and, where it is given, at most `high`. */
export interface CountRange {
  readonly low: bigint
  readonly high?: bigint
}

const MODES = ['packets', 'bytes', 'avgpkt'] as const
const DIRECTIONS = ['original', 'reply', 'both'] as const

/** What the connection has counted so far, this packet included. */
export interface ConnbytesMatch {
  readonly kind: 'connbytes'
  readonly count: Term<CountRange>
  /** `avgpkt`: bytes per packet. */
  readonly mode: (typeof MODES)[number]
  readonly direction: (typeof DIRECTIONS)[number]
}

const LAST = (1n << 64n) - 1n

/** `low`, `low:`, `low:high` or `:high`. To the kernel a high of 0 or of all bits is none. */
function parseCount(text: string): CountRange {
  const [from = '', to, ...rest] = text.split(':')
  if (rest.length > 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not a range`, { hint: 'write low:high' })
  const low = from === '' && to !== undefined ? 0n : parseBigNumber(from, 'count')
  const high = to === undefined || to === '' ? LAST : parseBigNumber(to, 'count')
  if (low > high) throw new RuleError('ERR_VALUE', `the range ${text} ends before it begins`)
  return { low, ...defined({ high: high === LAST || high === 0n ? undefined : high }) }
}

const printCount = ({ low, high }: CountRange): string => (high === undefined ? `${low}` : `${low}:${high}`)

const oneOf =
  <W extends string>(words: readonly W[]) =>
  (text: string): W => {
    const found = words.find(word => word === text)
    if (found !== undefined) return found
    throw new RuleError('ERR_VALUE', `"${text}" is not known here`, { hint: `there are ${words.join(', ')}` })
  }

export const connbytes = defineMatch<ConnbytesMatch>()({
  name: 'connbytes',
  options: {
    connbytes: option(parseCount, { negatable: true, required: true }),
    'connbytes-mode': option(oneOf(MODES), { required: true }),
    'connbytes-dir': option(oneOf(DIRECTIONS), { required: true }),
  },
  build: given => ({
    kind: 'connbytes',
    count: asTerm(given.connbytes) ?? term({ low: 0n }),
    mode: given['connbytes-mode']?.value ?? 'bytes',
    direction: given['connbytes-dir']?.value ?? 'both',
  }),
  print: match =>
    `${printTerm('connbytes', match.count, printCount)} --connbytes-mode ${match.mode} --connbytes-dir ${match.direction}`,
  list: ({ count, mode, direction }) =>
    `${listTerm('connbytes', count, printCount)} connbytes mode ${mode} connbytes direction ${direction}`,
  /** net/netfilter/xt_connbytes.c: where the kernel does not count it never matches, negated or not. */
  evaluate(match, { conntrack }) {
    if (!isTracked(conntrack) || !conntrack.counters) return false
    const counted = countOf(match, conntrack.counters)
    return agrees(match.count, ({ low, high = LAST }) => counted >= low && counted <= high)
  },
})

function countOf(
  { mode, direction }: ConnbytesMatch,
  { ORIGINAL, REPLY }: NonNullable<Conntrack['counters']>,
): bigint {
  const sum = (field: 'packets' | 'bytes'): bigint =>
    (direction === 'reply' ? 0n : ORIGINAL[field]) + (direction === 'original' ? 0n : REPLY[field])
  if (mode !== 'avgpkt') return sum(mode)
  const packets = sum('packets')
  return packets === 0n ? 0n : sum('bytes') / packets
}
