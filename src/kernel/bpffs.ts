// The directory on bpffs that pins live below.

import { mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { KernelError } from './error.ts'
import { isBpffs, mountBpffs } from './sys/mount.ts'
import { namespaceIdentity } from './sys/namespace.ts'

/** Where distributions mount bpffs. */
const mountPoint = '/sys/fs/bpf'

/** The directory of BPFTABLES_BPFFS, or its default. */
export const pinDirectory = ({ BPFTABLES_BPFFS: directory }: NodeJS.ProcessEnv = process.env): string =>
  directory ?? `${mountPoint}/bpftables`

const isMountPoint = (path: string): boolean =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .some(line => line.split(' ')[4] === path)

const isBelow = (path: string, parent: string): boolean => path === parent || path.startsWith(`${parent}/`)

/** The process that started `pid`: the second field behind the command's name in parentheses. */
const parentOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
}

function* ancestors(pid: number): Generator<number> {
  for (let parent = parentOf(pid); parent > 0; parent = parentOf(parent)) yield parent
}

/** A mount namespace we may not look at (of a PID 1 with more capabilities than we have) says nothing. */
const hasOtherMounts = (pid: number): boolean => {
  try {
    return namespaceIdentity('mnt', pid) !== namespaceIdentity('mnt', 'thread-self')
  } catch {
    return false
  }
}

/**
 * `ip netns exec` gives its command a mount namespace that dies with it, and with it what is mounted there. The
 * processes around it, up to PID 1, are in another.
 */
const inPrivateMounts = (): boolean => [...ancestors(process.pid)].some(hasOtherMounts)

const mountHint =
  'Mount it where it lasts (`mount -t bpf bpf /sys/fs/bpf` outside of `ip netns exec`), or set BPFTABLES_BPFFS to a directory on a bpffs; `nsenter --net=/run/netns/NAME` keeps the mounts.'

const mountDefault = (directory: string): void => {
  if (!isBelow(directory, mountPoint) || isMountPoint(mountPoint))
    throw new KernelError('ERR_BPFFS', `${directory} is not on a bpffs`, mountHint)
  if (inPrivateMounts()) {
    const message = `no bpffs is mounted on ${mountPoint}, and pins in one mounted from here would die with this command`
    throw new KernelError('ERR_BPFFS', message, mountHint)
  }
  mountBpffs(mountPoint)
}

const makeDirectory = (directory: string): void => {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new KernelError('ERR_BPFFS', `cannot make the pin directory ${directory}`, undefined, cause)
  }
}

/** The nearest directory above that exists already. */
const existing = (path: string): string => {
  try {
    isBpffs(path)
    return path
  } catch {
    return path === '/' ? path : existing(dirname(path))
  }
}

/** Makes the pin directory, mounting bpffs in its usual place if need be. Throws ERR_BPFFS. */
export const ensurePinDirectory = (directory: string = pinDirectory()): string => {
  if (!isBpffs(existing(directory))) mountDefault(directory)
  makeDirectory(directory)
  return directory
}
