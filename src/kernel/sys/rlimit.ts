import { libc } from './libc.ts'

const RLIMIT_MEMLOCK = 8

/**
 * Lifts the limit on locked memory, against which kernels before 5.11 charge maps and programs.
 * False where the process may not.
 */
export const raiseMemlock = (): boolean => {
  const unlimited = new BigUint64Array(2).fill(2n ** 64n - 1n)
  return libc.setrlimit(RLIMIT_MEMLOCK, unlimited) === 0
}
