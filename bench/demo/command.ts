// The real command line, run on the stage.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { projectDirectory } from './rules.ts'
import type { Stage } from './stage.ts'
import { bold, dim, say } from './terminal.ts'

export interface Output {
  readonly stdout: string
  readonly stderr: string
  readonly milliseconds: number
  readonly code: number | null
}

/** Runs `bpftables …` in the server's namespace, or where we are without a stage. Throws with its standard error where it fails. */
export async function bpftables(args: readonly string[], stage?: Stage): Promise<Output> {
  const output = await attempt(args, stage)
  if (output.code === 0) return output
  throw new Error(`bpftables ${args.join(' ')}: exit code ${output.code}\n${output.stderr}`)
}

/** The same, whether it fails or not. */
export function attempt(args: readonly string[], stage?: Stage): Promise<Output> {
  const inside = stage ? stage.server.inside : <T>(body: () => T): T => body()
  const begin = performance.now()
  const child = inside(() =>
    spawn(process.execPath, [join(projectDirectory, 'bin/bpftables'), ...args], {
      cwd: projectDirectory,
      env: { ...process.env, ...stage?.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ ...texts, milliseconds: performance.now() - begin, code }))
  })
}

/** Shows a command as it would be typed. */
export const showCommand = (args: readonly string[]): void =>
  say(`${dim('#')} ${bold(`bpftables ${args.join(' ')}`)}`)

/** Columns that a line may take. */
const WIDTH = 110

const fitted = (line: string): string => (line.length > WIDTH ? `${line.slice(0, WIDTH - 1)}…` : line)

/** Shows a command's output, indented. */
export function showOutput(text: string, most = Number.POSITIVE_INFINITY): void {
  const lines = text.trimEnd().split('\n')
  for (const line of lines.slice(0, most)) say(`  ${fitted(line)}`)
  if (lines.length > most) say(dim(`  … ${lines.length - most} lines more`))
}
