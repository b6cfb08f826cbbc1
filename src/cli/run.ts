import { describeError, type ExitCode, exitCodeOf } from './error.ts'

/**
 * Runs a command to its end: its errors go to standard error, and the process gets its exit code. What it printed is
 * written out first, so nothing here calls process.exit.
 */
export async function runCommand(name: string, command: () => Promise<ExitCode> | ExitCode): Promise<void> {
  try {
    process.exitCode = await command()
  } catch (error) {
    process.stderr.write(`${messageOf(name, error)}\n`)
    process.exitCode = exitCodeOf(error)
  }
}

/** Errors with a place begin with it, as a compiler's do; others with the name of the command. */
function messageOf(name: string, error: unknown): string {
  const text = describeError(error)
  return error instanceof Error && 'span' in error && error.span ? text : `${name}: ${text}`
}
