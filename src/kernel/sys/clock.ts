// The kernel's clocks.

import { lastErrno, libc, systemError } from './libc.ts'

/** A clock that goes on with each timer tick, so that its resolution is the time between two. */
const CLOCK_MONOTONIC_COARSE = 6
const NANOSECONDS = 1e9

/** Timer ticks in a second, as the kernel was built (CONFIG_HZ). */
export const ticksPerSecond = (): number => {
  const resolution = new BigInt64Array(2)
  if (libc.clock_getres(CLOCK_MONOTONIC_COARSE, resolution) !== 0)
    throw systemError({ syscall: 'clock_getres', purpose: 'find the length of a timer tick' }, lastErrno())
  return Math.round(NANOSECONDS / Number(resolution[1]))
}
