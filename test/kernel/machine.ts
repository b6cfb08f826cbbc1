// A machine of its own: real systemd in namespaces, with this project installed. Its disk outlives a reboot.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './installation.ts'

export interface Machine {
  /** Runs a command inside. */
  readonly run: (...command: readonly string[]) => Outcome
  /** Shuts down and boots again. */
  readonly reboot: () => Promise<void>
}

const script = fileURLToPath(new URL('../../../test/kernel/machine.sh', import.meta.url))
const project = fileURLToPath(new URL('../../..', import.meta.url))

interface Boot {
  readonly process: ChildProcess
  /** Of systemd, as seen from here. */
  readonly pid: number
}

let made = 0

/** Lends a machine that is up. */
export async function withMachine(body: (machine: Machine) => Promise<void>): Promise<void> {
  made += 1
  const directory = mkdtempSync(join(tmpdir(), 'bpftables-machine-'))
  const group = `bpftables-test-${process.pid}-${made}`
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', directory])
  let up = await boot(directory, group)
  try {
    await body({
      run: (...command) => runInside(up, command),
      reboot: async () => {
        await shutDown(up)
        up = await boot(directory, group)
      },
    })
  } finally {
    await shutDown(up)
    privately('clean', directory, group)
    execFileSync('umount', [directory])
    rmSync(directory, { recursive: true })
  }
}

function privately(...args: readonly string[]): void {
  execFileSync('unshare', ['--mount', '--propagation', 'private', 'sh', script, ...args])
}

function runInside({ pid }: Boot, command: readonly string[]): Outcome {
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
  const { status, stdout, stderr } = spawnSync('nsenter', ['-t', `${pid}`, '-a', ...command], {
    encoding: 'utf8',
    env: { PATH: path, LANG: 'C.UTF-8' },
  })
  return { code: status, stdout, stderr }
}

async function boot(directory: string, group: string): Promise<Boot> {
  const args = ['boot', directory, group, project, process.execPath]
  const child = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', script, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  try {
    const pid = await waitFor('run systemd', () => systemdBelow(child.pid ?? 0))
    const up = { process: child, pid }
    await waitFor('the end of booting', () => (isBooted(up) ? true : undefined))
    return up
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

/** The child that has become systemd; the script has others before it. */
const systemdBelow = (pid: number): number | undefined =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter(child => child !== '')
    .map(Number)
    .find(child => commandOf(child) === 'systemd')

function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return undefined
  }
}

const isBooted = (up: Boot): boolean =>
  /^(running|degraded)/.test(runInside(up, ['systemctl', 'is-system-running']).stdout)

/** SIGRTMIN+3 of systemd(1): halt. */
const HALT = 37

async function shutDown({ process: child, pid }: Boot): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  spawnSync('kill', [`-${HALT}`, `${pid}`])
  await ended
}

async function waitFor<T>(what: string, attempt: () => T | undefined): Promise<T> {
  for (let tries = 0; tries < 2400; tries += 1) {
    const result = attempt()
    if (result !== undefined) return result
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  throw new Error(`the machine did not come to ${what}`)
}
