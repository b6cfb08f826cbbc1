import { RuleError } from '../error.ts'
import { maximum, parseNumber } from './number.ts'

/** What the type-of-service byte (the traffic class in IPv6) must be on the bits of `mask`. */
export interface MaskedTos {
  readonly value: number
  readonly mask: number
}

/** RFC 1349. The names leave the two bits alone that ECN has since been given. */
const NAMES: Readonly<Record<string, number>> = {
  'minimize-delay': 0x10,
  'maximize-throughput': 0x08,
  'maximize-reliability': 0x04,
  'minimize-cost': 0x02,
  'normal-service': 0x00,
}
const NAME_MASK = 0x3f
const ALL = maximum(8)

/** As listings show it; undefined where it is none of those that have a name. */
export function tosName({ value, mask }: MaskedTos): string | undefined {
  if (mask !== NAME_MASK) return undefined
  const name = Object.keys(NAMES).find(one => NAMES[one] === value)
  return name?.replace(/\b[a-z]/g, letter => letter.toUpperCase())
}

/** A name, `value` or `value/mask`. */
export function parseTos(text: string): MaskedTos {
  const named = NAMES[text.toLowerCase()]
  if (named !== undefined) return { value: named, mask: NAME_MASK }
  const [value = '', mask, ...rest] = text.split('/')
  if (rest.length > 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not a type of service`, { hint: 'write value/mask' })
  return {
    value: parseNumber(value, 0, ALL, 'type of service'),
    mask: mask === undefined ? ALL : parseNumber(mask, 0, ALL, 'type of service mask'),
  }
}

export const printTos = ({ value, mask }: MaskedTos): string => `${printTosByte(value)}/${printTosByte(mask)}`

export const printTosByte = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`
