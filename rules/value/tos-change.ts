import { maximum, parseNumber } from './number.ts'
import { type MaskedTos, parseTos } from './tos.ts'

/** What becomes of the type-of-service byte: the bits of `mask` are cleared, then `value` is XORed in. */
export type TosChange = MaskedTos

const ALL = maximum(8)
const bits = (text: string): number => parseNumber(text, 0, ALL, 'type of service')

/** The spellings of a change, each an option; all but --set-tos are short for it. */
export const tosChanges = {
  'set-tos': parseTos,
  'and-tos': (text: string): TosChange => ({ value: 0, mask: ALL & ~bits(text) }),
  'or-tos': (text: string): TosChange => ({ value: bits(text), mask: bits(text) }),
  'xor-tos': (text: string): TosChange => ({ value: bits(text), mask: 0 }),
} as const
