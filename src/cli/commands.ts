// What the launchers in bin/ run, by name. Only what a command needs is loaded.

import { hasReadMany } from '../service/heap.ts'
import { dropIns } from './drop-in.ts'
import { describeError, type ExitCode, exitCode } from './error.ts'
import { runCommand } from './run.ts'

/** Runs the command of that name to its end, as the one of this process. */
export async function run(name: string, words: readonly string[]): Promise<void> {
  process.on('uncaughtException', endOn)
  const outputs = watchOutputs()
  // by then all is written, and the kernel takes the memory of a process back faster than V8 takes its heap apart
  process.on('exit', code => process.exit(code))
  await runCommand(name, () => perform(name, words))
  // Node.js would first wait for V8 to compile functions that will not run again, and to collect what is given back anyway
  if (hasReadMany() && [...outputs].every(isWritten)) process.exit()
}

/** The output streams that something was written to: only to look at one makes it, which takes a millisecond, and most commands print nothing. */
function watchOutputs(): ReadonlySet<NodeJS.WriteStream> {
  const used = new Set<NodeJS.WriteStream>()
  for (const name of ['stdout', 'stderr'] as const) {
    const make = Object.getOwnPropertyDescriptor(process, name)?.get
    const get = (): NodeJS.WriteStream => {
      const stream: NodeJS.WriteStream = make?.call(process)
      used.add(stream)
      return stream
    }
    if (make) Object.defineProperty(process, name, { configurable: true, enumerable: true, get })
    else used.add(process[name])
  }
  return used
}

/** Whether nothing is left to be written, or to be said about a failure to write. */
const isWritten = ({ writableLength, errored }: NodeJS.WriteStream): boolean =>
  writableLength === 0 && errored === null

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
