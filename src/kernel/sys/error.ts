import { constants } from 'node:os'

/** bpf(2) lets this kernel-internal number out (e.g. for batch operations a map type lacks); libc has no name for it. */
export const ENOTSUPP = 524

/** Errno numbers by name, with ENOTSUPP and without libc's aliases. */
export const errno = { ...constants.errno, ENOTSUPP }

/** `EAGAIN` and `EOPNOTSUPP` share a number with another name; the one the kernel's sources use comes last and wins. */
const names = new Map<number, string>(
  [
    ...Object.entries(errno),
    ['EAGAIN', errno.EAGAIN] as const,
    ['EOPNOTSUPP', errno.EOPNOTSUPP] as const,
  ].map(([name, number]) => [number, name]),
)

/** `EPERM` for 1; `errno 999` for a number without a name. */
export const errnoName = (number: number): string => names.get(number) ?? `errno ${number}`

export interface FailedCall {
  /** As in the manual: `bpf`, `setns`. */
  readonly syscall: string
  /** For bpf(2), its command: `BPF_MAP_CREATE`. */
  readonly command?: string | undefined
  /** What it was for, as an infinitive: `create map counters`. */
  readonly purpose: string
  readonly errno: number
  /** libc's words for it: `Operation not permitted`. */
  readonly reason: string
}

/** A system call that failed. `code` is ERR_SYSTEM, `errnoName` the errno's name. */
export class SystemError extends Error {
  readonly code = 'ERR_SYSTEM'
  readonly syscall: string
  readonly command: string | undefined
  readonly purpose: string
  /** Positive, as in errno(3). */
  readonly errno: number
  readonly errnoName: string

  constructor(failed: FailedCall) {
    const call = failed.command === undefined ? failed.syscall : `${failed.syscall}(${failed.command})`
    super(`cannot ${failed.purpose}: ${call}: ${failed.reason} (${errnoName(failed.errno)})`)
    this.name = 'SystemError'
    this.syscall = failed.syscall
    this.command = failed.command
    this.purpose = failed.purpose
    this.errno = failed.errno
    this.errnoName = errnoName(failed.errno)
  }
}

/** Whether `error` is a SystemError with one of these errno names. */
export const failedWith = (error: unknown, ...errnoNames: readonly string[]): error is SystemError =>
  error instanceof SystemError && errnoNames.includes(error.errnoName)
