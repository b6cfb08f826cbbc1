import { hex, type MaskedMark, parseMark } from './mark.ts'
import { maximum, parseNumber } from './number.ts'

/** What becomes of a 32-bit mark: the bits of `mask` are cleared, then `value` is XORed in. */
export type MarkChange = MaskedMark

const ALL = maximum(32)

/** The spellings of a change, each an option; all but --set-xmark are short for it. */
export const markChanges = {
  'set-xmark': (text: string): MarkChange => parseMark(text),
  'set-mark': (text: string): MarkChange => {
    const { value, mask } = parseMark(text)
    return { value, mask: (value | mask) >>> 0 }
  },
  'and-mark': (text: string): MarkChange => ({ value: 0, mask: ~bits(text) >>> 0 }),
  'or-mark': (text: string): MarkChange => ({ value: bits(text), mask: bits(text) }),
  'xor-mark': (text: string): MarkChange => ({ value: bits(text), mask: 0 }),
} as const

const bits = (text: string): number => parseNumber(text, 0, ALL, 'mark')

/** With the mask, also where that is all of it. */
export const printMarkChange = ({ value, mask }: MarkChange): string => `${hex(value)}/${hex(mask)}`

export const changeMark = ({ value, mask }: MarkChange, mark: number): number =>
  ((mark & ~mask) ^ value) >>> 0

/** By the shortest spelling: ` and`, ` or`, ` xor`, ` set`, or else ` xset` with the mask; `name` stands before it. */
export function listMarkChange(name: string, { value, mask }: MarkChange): string {
  if (value === 0) return ` ${name} and ${hex(~mask >>> 0)}`
  if (value === mask) return ` ${name} or ${hex(value)}`
  if (mask === 0) return ` ${name} xor ${hex(value)}`
  return mask === ALL ? ` ${name} set ${hex(value)}` : ` ${name} xset ${printMarkChange({ value, mask })}`
}
