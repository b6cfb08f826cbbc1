// bpftables as a user meets it: its commands, run in a network namespace, with pins, state and lock of their own.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSettings, type Settings } from '../../src/service/settings.ts'
import { type Scratch, withScratch } from './scratch.ts'

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Installation extends Scratch {
  readonly environment: Readonly<Record<string, string>>
  readonly settings: Settings
  /** A directory for files of the test. */
  readonly directory: string
  /** Runs a command of bin/ in the near namespace. */
  readonly run: (command: string, args?: readonly string[], input?: string) => Outcome
}

/** The commands, as they stand in the project. */
export const commandPath = (command: string): string =>
  new URL(`../../../bin/${command}`, import.meta.url).pathname

/** Runs any command in a namespace; the mounts stay, unlike with `ip netns exec`. */
export function runIn(
  namespace: string,
  command: readonly string[],
  options: { readonly input?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): Outcome {
  const { status, stdout, stderr, error } = spawnSync(
    'nsenter',
    [`--net=/run/netns/${namespace}`, ...command],
    {
      input: options.input ?? '',
      encoding: 'utf8',
      env: { ...process.env, ...options.environment },
    },
  )
  if (error) throw error
  return { code: status, stdout, stderr }
}

/** Lends an installation that nothing was done with yet, with these settings more. */
export const withInstallation = (
  body: (installation: Installation) => void | Promise<void>,
  more: Readonly<Record<string, string>> = {},
): Promise<void> =>
  withScratch(async scratch => {
    const directory = mkdtempSync(join(tmpdir(), 'bpftables-test-'))
    const environment = {
      BPFTABLES_BPFFS: join(scratch.bpffs, 'bpftables'),
      BPFTABLES_STATE_DIR: join(directory, 'state'),
      BPFTABLES_RUN_DIR: join(directory, 'run'),
      ...more,
    }
    const run: Installation['run'] = (command, args = [], input = '') =>
      runIn(scratch.near, [commandPath(command), ...args], { input, environment })
    try {
      await body({ ...scratch, environment, settings: readSettings(environment), directory, run })
    } finally {
      run('bpftables', ['detach', '--force'])
      rmSync(directory, { recursive: true, force: true })
    }
  })

/** Everything below a directory, as paths relative to it. */
export const everythingIn = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()
