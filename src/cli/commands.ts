// What the launchers in bin/ run, by name. Only what a command needs is loaded.

import { dropIns } from './drop-in.ts'
import { describeError, type ExitCode, exitCode } from './error.ts'
import { runCommand } from './run.ts'

/** Runs the command of that name to its end, as the one of this process. */
export function run(name: string, words: readonly string[]): Promise<void> {
  process.on('uncaughtException', endOn)
  // by then all is written, and the kernel takes the memory of a process back faster than V8 takes its heap apart
  process.on('exit', code => process.exit(code))
  return runCommand(name, () => perform(name, words))
}

/** `bpftables stats | head` is no error. To listen to the streams themselves would load them, and most commands print nothing. */
function endOn(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(exitCode.done)
  process.stderr.write(`${describeError(error)}\n`)
  process.exit(exitCode.failed)
}

export async function perform(name: string, words: readonly string[]): Promise<ExitCode> {
  const dropIn = dropIns[name]
  return dropIn ? dropIn(words) : (await import('./main.ts')).main(words)
}
