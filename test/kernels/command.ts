// The commands of bpftables as bin/ starts them, but in this process: under emulation node takes seconds to start.

import { main } from '../../src/cli/main.ts'
import { runCommand } from '../../src/cli/run.ts'

export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

type Write = typeof process.stdout.write

/** Keeps what is written to a stream; the function returned lets it through again and says what it was. */
const capture = (stream: NodeJS.WriteStream): (() => string) => {
  const written: string[] = []
  const write = stream.write
  stream.write = ((text: string | Uint8Array) => {
    written.push(typeof text === 'string' ? text : Buffer.from(text).toString())
    return true
  }) as Write
  return () => {
    stream.write = write
    return written.join('')
  }
}

/** Runs `bpftables` with these words in the current network namespace. */
export async function bpftables(...words: readonly string[]): Promise<Outcome> {
  const stdout = capture(process.stdout)
  const stderr = capture(process.stderr)
  await runCommand('bpftables', () => main(words))
  const code = Number(process.exitCode ?? 0)
  process.exitCode = 0
  return { code, stdout: stdout(), stderr: stderr() }
}
