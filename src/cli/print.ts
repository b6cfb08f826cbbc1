import { type ExitCode, exitCode } from './error.ts'

/** Prints what a command has to say, and that it is done. Where that is nothing, no stream is made for it, which takes a millisecond. */
export function print(text: string): ExitCode {
  if (text !== '') process.stdout.write(text)
  return exitCode.done
}
