import { spawnSync } from 'node:child_process'

/** Runs a command to its end in the calling thread's namespaces; its standard output. Throws with its standard error. */
export const run = (
  command: string,
  args: readonly string[],
  input = '',
  environment: Readonly<Record<string, string>> = {},
): string => {
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, {
    input,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, ...environment },
  })
  if (error !== undefined) throw error
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')}: ${signal ?? `exit code ${status}`}\n${stderr}`)
}

/** Runs `ip` once over many commands; the first that fails ends it. */
export const ip = (commands: readonly string[], ...options: readonly string[]): void => {
  if (commands.length > 0) run('ip', [...options, '-batch', '-'], `${commands.join('\n')}\n`)
}
