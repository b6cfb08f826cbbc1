// What kernel tests need around them: a network namespace with a veth pair into another one, and a bpffs.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Device } from '../../src/kernel/link/device.ts'
import { insideNetworkNamespace } from '../../src/kernel/netns.ts'
import { interfaceIndex } from '../../src/kernel/sys/interface.ts'
import { mountBpffs, unmount } from '../../src/kernel/sys/mount.ts'
import { hostMac, peerMac } from '../packet/link.ts'

const ip = (...options: readonly string[]): void => {
  execFileSync('ip', options, { stdio: ['ignore', 'ignore', 'pipe'] })
}

/** Two namespaces: `near` (device `inside`, 192.0.2.1) and `far` (device `outside`, 192.0.2.2). */
export interface Scratch {
  readonly near: string
  readonly far: string
  readonly bpffs: string
}

let made = 0

export const withScratch = async (body: (scratch: Scratch) => void | Promise<void>): Promise<void> => {
  made += 1
  const name = `bpft-k${process.pid}-${made}`
  const scratch = { near: `${name}n`, far: `${name}f`, bpffs: mkdtempSync(join(tmpdir(), `${name}-`)) }
  try {
    mountBpffs(scratch.bpffs)
    connect(scratch)
    await body(scratch)
  } finally {
    remove(scratch)
  }
}

const connect = ({ near, far }: Scratch): void => {
  ip('netns', 'add', near)
  ip('netns', 'add', far)
  const outside = ['name', 'outside', 'address', peerMac, 'netns', far]
  ip('-n', near, 'link', 'add', 'inside', 'address', hostMac, 'type', 'veth', 'peer', ...outside)
  ip('-n', near, 'address', 'add', '192.0.2.1/24', 'dev', 'inside')
  ip('-n', far, 'address', 'add', '192.0.2.2/24', 'dev', 'outside')
  for (const [namespace, device] of [
    [near, 'inside'],
    [far, 'outside'],
    [near, 'lo'],
    [far, 'lo'],
  ] as const)
    ip('-n', namespace, 'link', 'set', device, 'up')
  ip('-n', near, 'neighbour', 'add', '192.0.2.2', 'lladdr', peerMac, 'dev', 'inside')
}

const attempt = (undo: () => void): void => {
  try {
    undo()
  } catch {
    // Not made, or gone already: there is nothing left to undo.
  }
}

const remove = ({ near, far, bpffs }: Scratch): void => {
  attempt(() => ip('netns', 'delete', near))
  attempt(() => ip('netns', 'delete', far))
  attempt(() => unmount(bpffs))
  rmdirSync(bpffs)
}

export const inNamespace = <T>(name: string, body: () => T extends PromiseLike<unknown> ? never : T): T =>
  insideNetworkNamespace<T>(`/run/netns/${name}`, body)

/** A device of the current namespace. */
export const device = (name: string): Device => {
  const index = interfaceIndex(name)
  if (index === undefined) throw new Error(`no device ${name}`)
  return { name, index }
}
