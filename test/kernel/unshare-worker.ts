// A thread whose namespaces nobody else's tests depend on.

import { parentPort } from 'node:worker_threads'
import { namespaceIdentity, unshareNamespace } from '../../src/kernel/sys/namespace.ts'

const changed = (kind: 'mnt' | 'net'): boolean => {
  const before = namespaceIdentity(kind, 'thread-self')
  unshareNamespace(kind)
  return namespaceIdentity(kind, 'thread-self') !== before
}

parentPort?.postMessage({ net: changed('net'), mnt: changed('mnt') })
