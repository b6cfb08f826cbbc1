import { errno } from './error.ts'
import { check, lastErrno, libc } from './libc.ts'
import type { FileDescriptor } from './object.ts'

/** LOCK_* of flock(2). */
const operation = { exclusive: 2, nonBlocking: 4, unlock: 8 } as const

/** Takes an exclusive flock without waiting; false where another holds it. Closing the file gives it back. */
export const tryLock = (fd: FileDescriptor): boolean => {
  const result = libc.flock(fd, operation.exclusive | operation.nonBlocking)
  if (result < 0 && lastErrno() === errno.EWOULDBLOCK) return false
  check(result, 'flock', 'take a lock')
  return true
}

export const unlock = (fd: FileDescriptor): void => {
  check(libc.flock(fd, operation.unlock), 'flock', 'give a lock back')
}
