// How errors reach a user: what they say, and with which exit code the command ends.

import { formatError } from 'iptables-parser'

/** Exit codes of all commands; those of iptables. */
export const exitCode = { done: 0, failed: 1, usage: 2, version: 3, locked: 4 } as const
export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

/** The command line itself is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly code = 'ERR_USAGE'
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/** Errors that say in words for a user what went wrong; every other one is a fault of ours. By name, since most commands need few of the classes. */
const expected: ReadonlySet<string> = new Set([
  'EvaluationError',
  'KernelError',
  'RuleError',
  'ServiceError',
  'SystemError',
  'UsageError',
  'VerifierError',
])

/** What to print for an error. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return `internal error: ${error}`
  if (expected.has(error.name)) return formatError(error)
  return `internal error: ${error.stack ?? error.message}`
}

/** With which exit code an error ends a command. */
export function exitCodeOf(error: unknown): ExitCode {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ERR_USAGE' || code === 'ERR_SETTING') return exitCode.usage
  return code === 'ERR_LOCKED' ? exitCode.locked : exitCode.failed
}
