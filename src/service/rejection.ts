import { disassemble } from '../../translator/asm/disassemble.ts'
import type { Counted } from '../../translator/counter.ts'
import { type Lane, laneName } from '../../translator/lane.ts'
import type { VerifierError } from '../kernel/verifier/error.ts'
import { ServiceError } from './error.ts'

/** A program the verifier refused, in terms of the user's rules: which rule, which line of the listing, and why. */
export function explainRejection(error: VerifierError, lane: Lane, rules: readonly Counted[]): ServiceError {
  const lines = [
    `the kernel refused the program for ${laneName(lane)}: ${error.reason}`,
    ...placeLines(error, rules),
  ]
  return new ServiceError('ERR_REJECTED', lines.join('\n'), error.hint, error)
}

function placeLines({ place }: VerifierError, rules: readonly Counted[]): string[] {
  if (!place) return []
  const { origin } = place.instruction
  const rule = origin?.rule === undefined ? undefined : rules[origin.rule]
  const text = disassemble(place.instruction, distance => `slot ${place.slot + 1 + distance}`)
  const comment = origin?.comment ? `    ; ${origin.comment}` : ''
  return [rule ? `; ${rule.rule}` : '; --', `${`${place.slot}`.padStart(6)}: ${text}${comment}`]
}
