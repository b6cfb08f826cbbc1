// bpftables beside one of the kernel's own iptables, in one namespace.

import { join } from 'node:path'
import { commandPath, type Installation, type Outcome, runIn, withInstallation } from './installation.ts'

export const kernelPrograms = ['iptables-legacy', 'iptables-nft'] as const

export interface Passing extends Installation {
  /** Runs a command of bpftables, with more environment if need be. */
  readonly ours: (
    command: string,
    args?: readonly string[],
    input?: string,
    environment?: Readonly<Record<string, string>>,
  ) => Outcome
  /** Runs the kernel's own: '', '-save' or '-restore'. */
  readonly theirs: (verb: string, args?: readonly string[], input?: string) => Outcome
}

/** Lends bpftables with `program` to pass tables to. */
export const withPassing = (
  program: string,
  body: (passing: Passing) => void | Promise<void>,
): Promise<void> =>
  withInstallation(installation => {
    const environment = {
      ...installation.environment,
      BPFTABLES_PASSTHROUGH: program,
      // a lock of its own, so that tests do not wait for each other
      XTABLES_LOCKFILE: join(installation.directory, 'xtables.lock'),
    }
    const { near } = installation
    return body({
      ...installation,
      environment,
      ours: (command, args = [], input = '', more = {}) =>
        runIn(near, [commandPath(command), ...args], { input, environment: { ...environment, ...more } }),
      theirs: (verb, args = [], input = '') =>
        runIn(near, [`${program}${verb}`, ...args], { input, environment }),
    })
  })

/** The tables of iptables-save text by name, without comments; with all counters zero unless told. */
export function tablesOf(saved: string, counters: 'counters' | 'zero' = 'zero'): ReadonlyMap<string, string> {
  const tables = saved.match(/^\*[\s\S]*?^COMMIT$/gm) ?? []
  return new Map(
    tables.map(text => [
      /^\*(\S+)/.exec(text)?.[1] ?? '',
      counters === 'counters' ? text : text.replace(/^(:\S+ \S+ )\[\d+:\d+\]/gm, '$1[0:0]'),
    ]),
  )
}

/** Fails with what was said on standard error. */
export function succeed({ code, stdout, stderr }: Outcome): string {
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr}`)
  return stdout
}
