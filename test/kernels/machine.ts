// What PID 1 does before anything else: mounts and modules.

import { closeSync, mkdirSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { errno } from '../../src/kernel/sys/error.ts'
import { check, lastErrno, libc } from '../../src/kernel/sys/libc.ts'
import { unmount } from '../../src/kernel/sys/mount.ts'

const mounts: readonly (readonly [target: string, type: string])[] = [
  ['/proc', 'proc'],
  ['/sys', 'sysfs'],
  ['/sys/fs/bpf', 'bpf'],
  ['/tmp', 'tmpfs'],
  ['/run', 'tmpfs'],
]

export function mountAll(): void {
  for (const [target, type] of mounts) {
    mkdirSync(target, { recursive: true })
    check(libc.mount(type, target, type, 0, null), 'mount', `mount ${type} on ${target}`)
  }
}

/** Hides what lies in a directory until `unmountFrom`. */
export const mountOver = (directory: string): void => {
  check(libc.mount('tmpfs', directory, 'tmpfs', 0, null), 'mount', `mount tmpfs on ${directory}`)
}

export const unmountFrom = unmount

/** finit_module(2) of x86-64. */
const FINIT_MODULE = 313

const noParameters = Uint8Array.of(0)

/** Loads what lies in a directory, in the order of its names. What is there already is as good. */
export function loadModules(directory: string): void {
  for (const name of readdirSync(directory).sort()) {
    const fd = openSync(join(directory, name), 'r')
    const result = libc.syscall(FINIT_MODULE, fd, noParameters, 0)
    if (result < 0 && lastErrno() !== errno.EEXIST) check(result, 'finit_module', `load ${name}`)
    closeSync(fd)
  }
}
