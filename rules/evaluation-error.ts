/** A rule whose meaning a packet alone does not decide, or asks for what was not said of the packet. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError'
}

/** What is said of a packet. Throws EvaluationError where it is not said. */
export function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new EvaluationError(`the packet does not say ${what}`)
  return value
}
