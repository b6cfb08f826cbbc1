import type { SystemError } from '../sys/error.ts'
import type { Rejection } from './log.ts'
import type { Place } from './place.ts'

const nameOf = ({ function: name, index, instruction }: Place): string => {
  const { rule, comment } = instruction.origin ?? {}
  const origin = [rule === undefined ? undefined : `rule ${rule}`, comment].filter(part => part !== undefined)
  return `function ${name}, instruction ${index}${origin.length > 0 ? ` (${origin.join(': ')})` : ''}`
}

/** The verifier refused a program. `place` is the instruction it stopped at, with the rule it came from. */
export class VerifierError extends Error {
  readonly code = 'ERR_VERIFIER'
  /** The verifier's own words. */
  readonly reason: string
  readonly place: Place | undefined
  /** The last lines of its log. */
  readonly log: readonly string[]
  readonly hint: string | undefined

  constructor(
    program: string,
    rejection: Rejection,
    place: Place | undefined,
    hint: string | undefined,
    cause: SystemError,
  ) {
    const where = place === undefined ? '' : ` at ${nameOf(place)}`
    super(`the verifier refused program ${program}${where}: ${rejection.message}`, { cause })
    this.name = 'VerifierError'
    this.reason = rejection.message
    this.place = place
    this.log = rejection.lines
    this.hint = hint
  }
}
