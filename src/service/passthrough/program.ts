// The kernel's own iptables, which takes the tables that bpftables leaves: iptables-nft or iptables-legacy, by its own name or as a
// multi-call binary. It is never this project's own iptables, under whatever name that is linked into place.

import { accessSync, constants, realpathSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import type { Family } from 'iptables-parser'
import { packageDirectory } from '../../package.ts'
import { ServiceError, systemReason } from '../error.ts'
import type { Settings } from '../settings.ts'

export type Verb = '' | '-save' | '-restore'

export interface KernelIptables {
  /** Absolute. */
  readonly path: string
}

/** How a run of it ended. */
export interface Run {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

/** In the order of preference. */
const names = [
  'iptables-nft',
  'iptables-legacy',
  'iptables',
  'xtables-nft-multi',
  'xtables-legacy-multi',
] as const

/** Set where we run it, so that one which turns out to lead back here is told apart however it does. */
const GUARD = 'BPFTABLES_PASSING'

const hint =
  'Install iptables, or name it in BPFTABLES_PASSTHROUGH (a path or a name: iptables-nft, iptables-legacy, xtables-nft-multi, xtables-legacy-multi).'

/** The kernel's own iptables; undefined where none is named and none is on PATH. Throws ServiceError('ERR_NO_PASSTHROUGH') where the one named cannot be. */
export function findKernelIptables({ passthrough }: Settings): KernelIptables | undefined {
  if (process.env[GUARD] !== undefined) throw leadsBack(process.env[GUARD] ?? '')
  if (passthrough === undefined) {
    const path = names.flatMap(onPath).find(found => !isOurs(found))
    return path === undefined ? undefined : { path }
  }
  const [path] = passthrough.includes('/') ? [passthrough].filter(isExecutable) : onPath(passthrough)
  if (path === undefined)
    throw new ServiceError(
      'ERR_NO_PASSTHROUGH',
      `BPFTABLES_PASSTHROUGH is "${passthrough}", which is no program`,
      hint,
    )
  if (isOurs(path)) throw leadsBack(path)
  return { path }
}

/** The same where it must be there, for tables of this name. Throws ServiceError('ERR_NO_PASSTHROUGH'). */
export function requireKernelIptables(settings: Settings, tables: readonly string[]): KernelIptables {
  const found = findKernelIptables(settings)
  if (found) return found
  throw new ServiceError(
    'ERR_NO_PASSTHROUGH',
    `left to the kernel's own iptables, and there is none: ${tables.join(', ')}`,
    hint,
  )
}

const leadsBack = (path: string): ServiceError =>
  new ServiceError(
    'ERR_NO_PASSTHROUGH',
    `${path} is bpftables, and cannot stand in for the kernel's own iptables`,
    hint,
  )

function onPath(name: string): string[] {
  const { PATH = '' } = process.env
  const directories = PATH.split(delimiter).filter(directory => directory !== '')
  return directories.map(directory => join(directory, name)).filter(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Where our launchers are. */
const bin = join(packageDirectory, 'bin')

const isOurs = (path: string): boolean => dirname(realpathSync(path)) === resolved(bin)

function resolved(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/** The command to run for a family: a multi-call binary wants the command's name as its first argument. */
export function commandOf(
  { path }: KernelIptables,
  family: Family,
  verb: Verb,
): readonly [string, ...string[]] {
  const name = basename(path)
  if (name.startsWith('xtables-')) return [path, `${family === 4 ? 'iptables' : 'ip6tables'}${verb}`]
  const own = family === 4 ? name : name.replace(/^iptables/, 'ip6tables')
  return [join(dirname(path), `${own}${verb}`)]
}

interface RunOptions {
  readonly input?: string
  /** It has our own standard input and outputs. */
  readonly attached?: true
}

const MOST_OUTPUT = 1 << 30

/** Runs it to its end. Throws ServiceError('ERR_PASSTHROUGH') where it cannot be run at all. */
export function runKernelIptables(
  program: KernelIptables,
  family: Family,
  verb: Verb,
  words: readonly string[],
  { input = '', attached }: RunOptions = {},
): Run {
  const [command, ...first] = commandOf(program, family, verb)
  // only where it is run, since node:child_process takes 5 ms to load
  const { spawnSync } = process.getBuiltinModule('node:child_process')
  const { status, stdout, stderr, error } = spawnSync(command, [...first, ...words], {
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT,
    env: { ...process.env, [GUARD]: command },
    ...(attached ? { stdio: 'inherit' } : { input }),
  })
  if (error) throw new ServiceError('ERR_PASSTHROUGH', `cannot run ${command}: ${systemReason(error)}`, hint)
  return { status: status ?? SIGNALLED, stdout: stdout ?? '', stderr: stderr ?? '' }
}

/** What a shell makes of a program that a signal ended; which one does not matter here. */
const SIGNALLED = 128
