// What the launchers in bin/ run, by name. Only what a command needs is loaded.

import { dropIns } from './drop-in.ts'
import type { ExitCode } from './error.ts'
import { runCommand } from './run.ts'

/** Runs the command of that name to its end, as the one of this process. */
export const run = (name: string, words: readonly string[]): Promise<void> =>
  runCommand(name, () => perform(name, words))

export async function perform(name: string, words: readonly string[]): Promise<ExitCode> {
  const dropIn = dropIns[name]
  return dropIn ? dropIn(words) : (await import('./main.ts')).main(words)
}
