// The BPFTABLES_* environment, checked once and then passed on.

import { isAbsolute } from 'node:path'
import { ServiceError } from './error.ts'

/** Where the user wants rules to run; `auto` leaves it to us. */
export const hookChoices = ['auto', 'xdp', 'tc', 'netfilter'] as const
export type HookChoice = (typeof hookChoices)[number]

export interface Settings {
  /** A directory on bpffs; all pins live below it. */
  readonly pinDirectory: string
  /** What survives a reboot. */
  readonly stateDirectory: string
  /** The lock. */
  readonly runDirectory: string
  readonly hook: HookChoice
  /** Devices for xdp and tc; left out: all of them. */
  readonly devices?: readonly string[]
  /** Path or name of the kernel's own iptables; left out: the one on PATH. */
  readonly passthrough?: string
}

interface Environment extends Readonly<Record<string, string | undefined>> {
  readonly BPFTABLES_DEVICES?: string | undefined
  readonly BPFTABLES_HOOK?: string | undefined
  readonly BPFTABLES_PASSTHROUGH?: string | undefined
}

/** Reads the settings. Throws ServiceError('ERR_SETTING'). */
export function readSettings(environment: Environment = process.env): Settings {
  const devices = readDevices(environment.BPFTABLES_DEVICES)
  const passthrough = environment.BPFTABLES_PASSTHROUGH
  return {
    pinDirectory: readDirectory(environment, 'BPFTABLES_BPFFS', '/sys/fs/bpf/bpftables'),
    stateDirectory: readDirectory(environment, 'BPFTABLES_STATE_DIR', '/var/lib/bpftables'),
    runDirectory: readDirectory(environment, 'BPFTABLES_RUN_DIR', '/run/bpftables'),
    hook: readHook(environment.BPFTABLES_HOOK),
    ...(devices && { devices }),
    ...(passthrough && { passthrough }),
  }
}

function readDirectory(environment: Environment, name: string, standard: string): string {
  const path = environment[name] ?? standard
  if (isAbsolute(path)) return path.replace(/(?<=.)\/+$/, '')
  throw new ServiceError('ERR_SETTING', `${name} is "${path}", which is not an absolute path`)
}

function readHook(text = 'auto'): HookChoice {
  const hook = hookChoices.find(choice => choice === text)
  if (hook) return hook
  throw new ServiceError(
    'ERR_SETTING',
    `BPFTABLES_HOOK is "${text}", which is no hook`,
    `Hooks are ${hookChoices.join(', ')}.`,
  )
}

/** IFNAMSIZ less the NUL. */
const LONGEST_DEVICE = 15

function readDevices(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined
  const devices = text.split(',').map(device => device.trim())
  for (const device of devices)
    if (device === '' || device.length > LONGEST_DEVICE || /[\s/]/.test(device))
      throw new ServiceError(
        'ERR_SETTING',
        `BPFTABLES_DEVICES is "${text}", in which "${device}" is no device name`,
        'Give device names with commas between them, or leave it unset for every device.',
      )
  return [...new Set(devices)]
}
