import { setFlagsFromString } from 'node:v8'
import { describeError, type ExitCode, exitCode, exitCodeOf } from './error.ts'

/**
 * Runs a command to its end: its errors go to standard error, and the process gets its exit code. What it printed is
 * written out first, so nothing here calls process.exit.
 */
export async function runCommand(name: string, command: () => Promise<ExitCode> | ExitCode): Promise<void> {
  endQuietlyOnClosedPipe()
  growAtOnce()
  try {
    process.exitCode = await command()
  } catch (error) {
    process.stderr.write(`${messageOf(name, error)}\n`)
    process.exitCode = exitCodeOf(error)
  }
}

/**
 * Rules that were read stay to the end. The space for new objects begins at a megabyte and is doubled step by step, so the collector would move the
 * first thousands of them again and again; to let it grow in one step takes a quarter off reading them.
 */
const growAtOnce = (): void => setFlagsFromString('--semi-space-growth-factor=16')

/** Errors with a place begin with it, as a compiler's do; others with the name of the command. */
function messageOf(name: string, error: unknown): string {
  const text = describeError(error)
  return error instanceof Error && 'span' in error && error.span ? text : `${name}: ${text}`
}

/** `bpftables stats | head` is no error. */
function endQuietlyOnClosedPipe(): void {
  const end = (error: NodeJS.ErrnoException): void => {
    if (error.code !== 'EPIPE') throw error
    process.exit(exitCode.done)
  }
  process.stdout.on('error', end)
  process.stderr.on('error', end)
}
