// Rates in bytes, as -m hashlimit has them. The kernel keeps a rate as the cost of 16 bytes, 2^32 being a second's worth, so not
// every rate can be had: the nearest is taken.

import { RuleError } from '../error.ts'
import { maximum } from './number.ts'

export interface ByteRate {
  /** What 16 bytes cost. */
  readonly cost: number
}

const LARGEST = maximum(32)
const STEP = 16
/** Cheaper ones the kernel cannot tell from free (user2credits_byte in net/netfilter/xt_hashlimit.c). */
const LEAST_COST = 2

const UNITS = [
  { name: 'mb', bytes: 1024 * 1024 },
  { name: 'kb', bytes: 1024 },
  { name: 'b', bytes: 1 },
] as const

const unitBytes = (name: string): number => UNITS.find(unit => unit.name === name)?.bytes ?? 1

/** `512kb/s`; units are b, kb and mb. Undefined where it is not a rate in bytes at all. */
export function parseByteRate(text: string): ByteRate | undefined {
  const [, count = '', unit = ''] = /^(\d+)(b|kb|mb)\/s$/.exec(text) ?? []
  if (unit === '') return undefined
  const bytes = Number(count) * unitBytes(unit)
  const cost = costOf(bytes)
  if (bytes < STEP || cost < LEAST_COST)
    throw new RuleError('ERR_VALUE', `the rate ${text} is too ${bytes < STEP ? 'slow' : 'fast'}`, {
      hint: `it must be between ${STEP}b/s and ${(STEP * LARGEST) / LEAST_COST / unitBytes('mb')}mb/s`,
    })
  return { cost }
}

const costOf = (bytes: number): number => Math.floor(LARGEST / (Math.floor(bytes / STEP) + 1))

export const bytesPerSecond = ({ cost }: ByteRate): number => (Math.floor(LARGEST / cost) - 1) * STEP

/** Cut to the largest unit in which it is read back as the same rate; rates beyond 32 bits are in bytes. */
export function printByteRate(rate: ByteRate): string {
  const bytes = bytesPerSecond(rate)
  const whole = (unit: number): number => Math.floor(bytes / unit)
  const fits = (unit: number): boolean => bytes <= LARGEST && costOf(whole(unit) * unit) === rate.cost
  const unit = UNITS.find(one => bytes >= one.bytes && fits(one.bytes)) ?? UNITS[2]
  return `${whole(unit.bytes)}${unit.name}/s`
}

/** How many seconds' worth of the rate a number of bytes is, the last begun counted whole. */
export const burstOf = (rate: ByteRate, bytes: number): number => Math.ceil(bytes / bytesPerSecond(rate))

/**
 * A burst, in bytes. iptables-save cuts it down to whole megabytes or kilobytes; where that would be read back as another burst,
 * it is printed in full.
 */
export function printBurst(rate: ByteRate, burst: number): string {
  const bytes = bytesPerSecond(rate) * burst
  const { unit, whole } = wholeUnits(bytes)
  const cut = whole * unit.bytes
  const same = cut >= bytesPerSecond(rate) && burstOf(rate, cut) === burst
  return same ? `${whole}${unit.name}` : `${bytes}b`
}

/** Cut down whatever it would be read back as. */
export function cutBurst(rate: ByteRate, burst: number): string {
  const { unit, whole } = wholeUnits(bytesPerSecond(rate) * burst)
  return `${whole}${unit.name}`
}

function wholeUnits(bytes: number): { readonly unit: (typeof UNITS)[number]; readonly whole: number } {
  const unit = UNITS.find(one => bytes >= one.bytes) ?? UNITS[2]
  return { unit, whole: Math.floor(bytes / unit.bytes) }
}

/** Bytes, or packets; `plain` where no unit was given. */
export interface Burst {
  readonly count: number
  readonly plain: boolean
}

/** A number, in C's notation, or one followed by b, kb or mb. */
export function parseBurst(text: string, readNumber: (text: string) => number): Burst {
  const [, count = text, unit] = /^(.*\d)(b|kb|mb)$/.exec(text) ?? []
  const value = readNumber(count) * unitBytes(unit ?? '')
  if (value <= LARGEST) return { count: value, plain: unit === undefined }
  throw new RuleError('ERR_VALUE', `the burst ${text} is too large`, { hint: 'at most 4095mb' })
}
