import type { FragMatch } from 'iptables-parser'
import { type Step, setTest } from '../test.ts'
import { single } from '../tree/interval.ts'
import { headerWanted } from './extension.ts'
import { maskStep } from './mask.ts'
import { rangeStep } from './range.ts'
import type { MatchTranslator } from './translate.ts'

/** Offset and flags of a fragment header (RFC 8200 section 4.5). */
const OFFSET = 0xfff8
const RESERVED = 0x0006
const MORE = 0x0001

/** The kernel does not ask for the length. */
export const frag: MatchTranslator<FragMatch> = ({ id, reserved, first, position }) => [
  ...headerWanted('fragment-header'),
  ...rangeStep('fragment-id', id),
  ...(reserved ? [setTest('fragment-reserved', single(0)), ...placeStep(RESERVED, 0)] : []),
  ...(first ? placeStep(OFFSET, 0) : []),
  ...(position ? placeStep(MORE, position === 'more' ? MORE : 0) : []),
]

const placeStep = (mask: number, value: number): Step[] =>
  maskStep('fragment-place', { value: { value, mask }, negated: false })
