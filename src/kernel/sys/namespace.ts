// Namespaces of the calling thread. Node runs synchronous FFI calls on the main thread, so entering one concerns
// what the main thread does next; the threads libuv does file work on stay where they were.

import { openSync, readlinkSync } from 'node:fs'
import { check, libc } from './libc.ts'
import { close, type FileDescriptor } from './object.ts'

/** CLONE_NEW* of linux/sched.h. */
const cloneFlag = { mnt: 0x00020000, net: 0x40000000 } as const

export type NamespaceKind = keyof typeof cloneFlag

/** Moves the calling thread into the namespace `fd` is open on. */
export const enterNamespace = (fd: FileDescriptor, kind: NamespaceKind): void => {
  check(libc.setns(fd, cloneFlag[kind]), 'setns', `enter a ${kind} namespace`)
}

/** Gives the calling thread a new namespace of its own. */
export const unshareNamespace = (kind: NamespaceKind): void => {
  check(libc.unshare(cloneFlag[kind]), 'unshare', `make a ${kind} namespace`)
}

/** The calling thread's namespace; close it when done. */
export const openCurrentNamespace = (kind: NamespaceKind): FileDescriptor =>
  openSync(`/proc/thread-self/ns/${kind}`, 'r')

/** `mnt:[4026531832]`: equal for two processes in one namespace. */
export const namespaceIdentity = (kind: NamespaceKind, pid: number | 'thread-self'): string =>
  readlinkSync(`/proc/${pid}/ns/${kind}`)

/** Runs `body` in the namespace a path like /run/netns/NAME names, then goes back. */
export const insideNamespace = <T>(path: string, kind: NamespaceKind, body: () => T): T => {
  const home = openCurrentNamespace(kind)
  try {
    const there = openSync(path, 'r')
    try {
      enterNamespace(there, kind)
    } finally {
      close(there)
    }
    try {
      return body()
    } finally {
      enterNamespace(home, kind)
    }
  } finally {
    close(home)
  }
}
