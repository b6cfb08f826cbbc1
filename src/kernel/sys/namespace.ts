// Namespaces of the calling thread. Node runs synchronous FFI calls on the main thread, so entering one concerns
// what the main thread does next; the threads libuv does file work on stay where they were.

import { readdirSync, readlinkSync } from 'node:fs'
import { check, libc } from './libc.ts'
import { close, type FileDescriptor } from './object.ts'

/** CLONE_NEW* of linux/sched.h. */
const cloneFlag = { mnt: 0x00020000, net: 0x40000000 } as const

export type NamespaceKind = keyof typeof cloneFlag

/** Moves the calling thread into the namespace `fd` is open on; EINVAL for `mnt` unless the thread has unshared that. */
const enterNamespace = (fd: FileDescriptor, kind: NamespaceKind): void => {
  check(libc.setns(fd, cloneFlag[kind]), 'setns', `enter a ${kind} namespace`)
}

/** Gives the calling thread a new namespace of its own. */
export const unshareNamespace = (kind: NamespaceKind): void => {
  check(libc.unshare(cloneFlag[kind]), 'unshare', `make a ${kind} namespace`)
}

const O_RDONLY_CLOEXEC = 0o2000000

/** Opens a namespace by a path like /run/netns/NAME or /proc/PID/ns/net. */
export const openNamespace = (path: string): FileDescriptor =>
  check(libc.open(path, O_RDONLY_CLOEXEC), 'open', `open namespace ${path}`)

/** `mnt:[4026531832]`: equal for two processes in one namespace. */
export const namespaceIdentity = (kind: NamespaceKind, pid: number | 'thread-self'): string =>
  readlinkSync(`/proc/${pid}/ns/${kind}`)

/** Whether all threads of this process are in the calling thread's namespace, and so those that others begin too. */
export const allThreadsInNamespace = (kind: NamespaceKind): boolean => {
  const here = namespaceIdentity(kind, 'thread-self')
  try {
    return readdirSync('/proc/self/task').every(
      thread => readlinkSync(`/proc/self/task/${thread}/ns/${kind}`) === here,
    )
  } catch {
    // one ended while it was looked at
    return false
  }
}

const enterPath = (path: string, kind: NamespaceKind): void => {
  const there = openNamespace(path)
  try {
    enterNamespace(there, kind)
  } finally {
    close(there)
  }
}

/** Runs `body` in the namespace of that path, then goes back, whatever happens. */
export const insideNamespace = <T>(path: string, kind: NamespaceKind, body: () => T): T => {
  const home = openNamespace(`/proc/thread-self/ns/${kind}`)
  try {
    enterPath(path, kind)
    try {
      return body()
    } finally {
      enterNamespace(home, kind)
    }
  } finally {
    close(home)
  }
}
