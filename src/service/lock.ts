// Writers take turns: whoever changes rules holds an flock on a file in the run directory. The kernel gives it back
// when the process ends, however it ends.

import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { tryLock } from '../kernel/sys/lock.ts'
import { ServiceError, systemReason } from './error.ts'
import type { Settings } from './settings.ts'

/** How long to wait for the lock, in seconds; Infinity, as iptables does unless told, for as long as it takes. */
export type LockWait = number

const RETRY_MILLISECONDS = 20

const sleep = (milliseconds: number): Promise<void> =>
  new Promise(resolve => setTimeout(resolve, milliseconds))

/** Runs `body` while no other process changes rules. Throws ServiceError('ERR_LOCKED') when waiting was in vain. */
export async function withLock<T>(
  { runDirectory }: Settings,
  wait: LockWait,
  body: () => T | Promise<T>,
): Promise<T> {
  const fd = openLockFile(runDirectory)
  try {
    await acquire(fd, wait)
    return await body()
  } finally {
    closeSync(fd)
  }
}

/** Runs `body` if no process is changing rules, not this one either; else does nothing. */
export function ifUnlocked({ runDirectory }: Settings, body: () => void): void {
  const fd = openLockFile(runDirectory)
  try {
    if (tryLock(fd)) body()
  } finally {
    closeSync(fd)
  }
}

function openLockFile(directory: string): number {
  const path = join(directory, 'lock')
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 })
    return openSync(path, 'a', 0o600)
  } catch (error) {
    throw new ServiceError(
      'ERR_FILE',
      `cannot open the lock ${path}: ${systemReason(error)}`,
      undefined,
      error,
    )
  }
}

async function acquire(fd: number, wait: LockWait): Promise<void> {
  if (tryLock(fd)) return
  const deadline = performance.now() + wait * 1000
  do {
    if (performance.now() >= deadline)
      throw new ServiceError(
        'ERR_LOCKED',
        `another program is changing the rules; stopped waiting after ${wait}s`,
        'Wait longer with -w SECONDS, or for as long as it takes with -w alone.',
      )
    await sleep(RETRY_MILLISECONDS)
  } while (!tryLock(fd))
}
