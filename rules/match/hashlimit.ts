import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineMatch, type ListContext } from '../extension.ts'
import type { Family } from '../family.ts'
import { flag, type Given, option } from '../option.ts'
import { listFlag, listValue } from '../term.ts'
import { addressBits } from '../value/address.ts'
import { parsePrefixLength } from '../value/address-prefix.ts'
import {
  type Burst,
  type ByteRate,
  burstOf,
  bytesPerSecond,
  cutBurst,
  parseBurst,
  parseByteRate,
  printBurst,
  printByteRate,
} from '../value/byte-rate.ts'
import { parseName, printName } from '../value/name.ts'
import { maximum, parseNumber } from '../value/number.ts'
import { parseRate, printRate, type Rate, rateUnit, unitSeconds } from '../value/rate.ts'

/** What flows are told apart by, in the order iptables-save prints it. */
const KEYS = ['srcip', 'srcport', 'dstip', 'dstport'] as const
export type HashlimitKey = (typeof KEYS)[number]

export type HashlimitRate =
  | {
      readonly unit: 'packets'
      /** In ticks of a microsecond. */
      readonly rate: Rate
      readonly burst: number
    }
  | {
      readonly unit: 'bytes'
      readonly rate: ByteRate
      /** Seconds' worth of the rate; absent where none was given. */
      readonly burst?: number
    }

/** A rate limit of its own for each flow. */
export interface HashlimitMatch {
  readonly kind: 'hashlimit'
  /** Of the table of flows; rules of one name share it. */
  readonly name: string
  /** Matches while the flow keeps to the rate, or when it is above. */
  readonly comparison: 'upto' | 'above'
  readonly limit: HashlimitRate
  readonly keys: readonly HashlimitKey[]
  /** Leading bits of the addresses that count. */
  readonly sourceLength: number
  readonly destinationLength: number
  /** Of the table: hash buckets and flows at most, where the kernel is not to choose. */
  readonly buckets?: number
  readonly flows?: number
  /** Milliseconds. */
  readonly sweepInterval: number
  readonly expiry: number
  /** Seconds over which the rate of the flow is measured, instead of limiting it. */
  readonly measured?: number
}

/** XT_HASHLIMIT_SCALE_v2 */
const TICKS_PER_SECOND = 1_000_000
const DEFAULT_BURST = 5
const LAST_BURST = 1_000_000
const DEFAULT_SWEEP = 1000
/** Seconds after which idle flows are forgotten under a rate in bytes, without and with a burst. */
const BYTE_EXPIRY = { plain: 15, burst: 60 } as const
/** HASHLIMIT_MAX_SIZE: the kernel takes more for this. */
const LARGEST_TABLE = 1_048_576
const LAST = maximum(32)
const NAME_SIZE = 255

/** A rate as given: the unit's seconds decide after what time flows are forgotten. */
type GivenRate =
  | { readonly unit: 'bytes'; readonly rate: ByteRate }
  | { readonly unit: 'packets'; readonly rate: Rate; readonly seconds: number }

function parseLimit(text: string): GivenRate {
  const bytes = parseByteRate(text)
  if (bytes) return { unit: 'bytes', rate: bytes }
  return { unit: 'packets', rate: parseRate(text, TICKS_PER_SECOND), seconds: unitSeconds(text) }
}

function parseKeys(text: string): HashlimitKey[] {
  const words = text.split(',').filter(word => word !== '')
  const unknown = words.find(word => !KEYS.some(key => key === word))
  if (unknown !== undefined)
    throw new RuleError('ERR_VALUE', `"${unknown}" is not what flows are told apart by`, {
      hint: `that is ${KEYS.join(', ')}`,
    })
  return KEYS.filter(key => words.includes(key))
}

function parseTable(text: string): string {
  const name = parseName(text, NAME_SIZE, 'table of flows')
  if (name === '.' || name === '..' || name.includes('/'))
    throw new RuleError('ERR_VALUE', `"${name}" cannot name a table of flows`, {
      hint: 'it becomes a file in /proc/net/ipt_hashlimit',
    })
  return name
}

/** Decimal, unlike most numbers. */
function parseInterval(text: string): number {
  if (!/^\d+$/.test(text)) throw new RuleError('ERR_VALUE', `"${text}" is not a number of seconds`)
  return parseNumber(String(Number(text)), 1, maximum(31), 'number of seconds')
}

const limitOption = (aliases: readonly string[], other: string) =>
  option(parseLimit, { aliases, negatable: true, excludes: [other] })
const size = option(text => Math.min(parseNumber(text, 0, LAST, 'size'), LARGEST_TABLE))
const milliseconds = option(text => parseNumber(text, 1, LAST, 'number of milliseconds'))
const prefix = option((text, { family }) => parsePrefixLength(text, family))

export const hashlimit = defineMatch<HashlimitMatch>()({
  name: 'hashlimit',
  options: {
    'hashlimit-upto': limitOption(['hashlimit'], 'hashlimit-above'),
    'hashlimit-above': limitOption([], 'hashlimit-upto'),
    'hashlimit-burst': option(text => parseBurst(text, count => parseNumber(count, 1, LAST, 'burst'))),
    'hashlimit-mode': option(parseKeys),
    'hashlimit-name': option(parseTable, { required: true }),
    'hashlimit-htable-size': size,
    'hashlimit-htable-max': size,
    'hashlimit-htable-gcinterval': milliseconds,
    'hashlimit-htable-expire': milliseconds,
    'hashlimit-srcmask': prefix,
    'hashlimit-dstmask': prefix,
    'hashlimit-rate-match': flag(),
    'hashlimit-rate-interval': option(parseInterval),
  },
  requiresOneOf: ['hashlimit-upto', 'hashlimit-above'],
  build(given, { family }) {
    const [upto, above] = [given['hashlimit-upto'], given['hashlimit-above']]
    const rate = upto ?? above
    if (!rate) throw new RuleError('ERR_OPTION', 'hashlimit needs a rate')
    const burst = given['hashlimit-burst']
    const measures = given['hashlimit-rate-match'] !== undefined
    return {
      kind: 'hashlimit',
      name: given['hashlimit-name']?.value ?? '',
      comparison: (upto !== undefined) === rate.negated ? 'above' : 'upto',
      limit: buildLimit(rate, burst, measures),
      keys: given['hashlimit-mode']?.value ?? [],
      sourceLength: given['hashlimit-srcmask']?.value ?? addressBits(family),
      destinationLength: given['hashlimit-dstmask']?.value ?? addressBits(family),
      sweepInterval: given['hashlimit-htable-gcinterval']?.value ?? DEFAULT_SWEEP,
      expiry: given['hashlimit-htable-expire']?.value ?? defaultExpiry(rate.value, burst) * 1000,
      ...defined({
        buckets: given['hashlimit-htable-size']?.value || undefined,
        flows: given['hashlimit-htable-max']?.value || undefined,
        measured: measures ? (given['hashlimit-rate-interval']?.value ?? unitOf(rate.value)) : undefined,
      }),
    }
  },
  print,
  list,
})

/** What a rate is measured over stretches it, and what idle flows are forgotten after is compared to the rate so shown. */
function list(match: HashlimitMatch, { family }: ListContext): string {
  const limit = stretch(match.limit, match.measured ?? 1)
  const unless = (usual: number, value: number): number | undefined => (value === usual ? undefined : value)
  return (
    ` limit: ${match.comparison === 'upto' ? 'up to' : 'above'} ${listLimit(limit)}` +
    listValue('mode', match.keys.length > 0 ? match.keys.join('-') : undefined) +
    listValue('htable-size', match.buckets) +
    listValue('htable-max', match.flows) +
    listValue('htable-gcinterval', unless(DEFAULT_SWEEP, match.sweepInterval)) +
    listValue('htable-expire', unless(printedExpiry(limit) * 1000, match.expiry)) +
    listValue('srcmask', unless(addressBits(family), match.sourceLength)) +
    listValue('dstmask', unless(addressBits(family), match.destinationLength)) +
    listFlag('rate-match', match.measured !== undefined) +
    listValue('rate-interval', unless(1, match.measured ?? 1))
  )
}

const stretch = (limit: HashlimitRate, seconds: number): HashlimitRate =>
  limit.unit === 'packets' ? { ...limit, rate: { ticks: limit.rate.ticks * seconds } } : limit

function listLimit(limit: HashlimitRate): string {
  if (limit.unit === 'packets') return `${printRate(limit.rate, TICKS_PER_SECOND)} burst ${limit.burst}`
  const burst = limit.burst === undefined ? '' : ` burst ${cutBurst(limit.rate, limit.burst)}`
  return `${printByteRate(limit.rate)}${burst}`
}

const unitOf = (rate: GivenRate): number => (rate.unit === 'bytes' ? 1 : rate.seconds)

function defaultExpiry(rate: GivenRate, burst: Given<Burst> | undefined): number {
  if (rate.unit === 'packets') return rate.seconds
  return burst ? BYTE_EXPIRY.burst : BYTE_EXPIRY.plain
}

function buildLimit(
  { value: given, span }: Given<GivenRate>,
  burst: Given<Burst> | undefined,
  measures: boolean,
): HashlimitRate {
  if (burst?.value.plain && burst.value.count > LAST_BURST) throw burstTooLarge(burst)
  if (given.unit === 'bytes') return buildByteLimit(given.rate, burst)
  const count = burst?.value.count ?? DEFAULT_BURST
  if (count > LAST_BURST) throw burstTooLarge(burst)
  // a measured rate is per second whatever the unit, which becomes the time to measure over
  const ticks = measures ? Math.floor(given.rate.ticks / given.seconds) : given.rate.ticks
  if (ticks === 0) throw new RuleError('ERR_VALUE', 'the rate is too fast to be measured', { span })
  if (!measures && overflows(ticks, count))
    throw new RuleError('ERR_VALUE', 'the kernel refuses this limit: its credit would overflow', {
      span,
      hint: 'give a lower --hashlimit-burst (5 unless given), or a faster rate',
    })
  return { unit: 'packets', rate: { ticks }, burst: count }
}

function buildByteLimit(rate: ByteRate, burst: Given<Burst> | undefined): HashlimitRate {
  if (!burst) return { unit: 'bytes', rate }
  const least = bytesPerSecond(rate)
  if (burst.value.count < least)
    throw new RuleError('ERR_VALUE', `the burst is less than a second's worth of the rate, ${least}b`, {
      span: burst.span,
    })
  return { unit: 'bytes', rate, burst: burstOf(rate, burst.value.count) }
}

const burstTooLarge = (burst: Given<Burst> | undefined): RuleError =>
  new RuleError('ERR_VALUE', `the burst is not between 1 and ${LAST_BURST}`, burst && { span: burst.span })

/** HZ times CREDITS_PER_JIFFY, over ticks per second: the same where HZ is 250 or 1000. */
const CREDITS_PER_TICK = (250n << 39n) / BigInt(TICKS_PER_SECOND)

/** user2credits in net/netfilter/xt_hashlimit.c counts in 64 bits, and what wraps round is refused. */
function overflows(ticks: number, burst: number): boolean {
  const credits = (count: number): bigint =>
    BigInt.asUintN(64, BigInt(ticks) * BigInt(count) * CREDITS_PER_TICK)
  return credits(burst) < credits(1)
}

function print(match: HashlimitMatch, { family }: { family: Family }): string {
  const given = (name: string, value: number | undefined, usual?: number): string =>
    value === undefined || value === usual ? '' : ` --hashlimit-${name} ${value}`
  return (
    printLimit(match) +
    (match.keys.length > 0 ? ` --hashlimit-mode ${match.keys.join(',')}` : '') +
    ` --hashlimit-name ${printName(match.name)}` +
    given('htable-size', match.buckets) +
    given('htable-max', match.flows) +
    given('htable-gcinterval', match.sweepInterval, DEFAULT_SWEEP) +
    given('htable-expire', match.expiry, printedExpiry(match.limit) * 1000) +
    given('srcmask', match.sourceLength, addressBits(family)) +
    given('dstmask', match.destinationLength, addressBits(family)) +
    (match.measured === undefined ? '' : ' --hashlimit-rate-match') +
    given('rate-interval', match.measured, 1)
  )
}

function printLimit({ comparison, limit }: HashlimitMatch): string {
  if (limit.unit === 'packets')
    return ` --hashlimit-${comparison} ${printRate(limit.rate, TICKS_PER_SECOND)} --hashlimit-burst ${limit.burst}`
  const burst = limit.burst === undefined ? '' : ` --hashlimit-burst ${printBurst(limit.rate, limit.burst)}`
  return ` --hashlimit-${comparison} ${printByteRate(limit.rate)}${burst}`
}

/** What the expiry is where the limit is read back as it is printed. */
function printedExpiry(limit: HashlimitRate): number {
  if (limit.unit === 'packets') return rateUnit(limit.rate, TICKS_PER_SECOND).seconds
  return limit.burst === undefined ? BYTE_EXPIRY.plain : BYTE_EXPIRY.burst
}
