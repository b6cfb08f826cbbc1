/** What went wrong with a kernel object, as codes a caller can tell apart. */
export type KernelErrorCode =
  /** The kernel's types are not there, or lack one a program needs. */
  | 'ERR_BTF'
  /** Not allowed: capabilities, user namespace, seccomp, lockdown. */
  | 'ERR_PERMISSION'
  /** The kernel (or its configuration) lacks a feature. */
  | 'ERR_UNSUPPORTED'
  /** A pinned map is not the one a program needs. */
  | 'ERR_MAP'
  /** No place to attach to: the device is gone, or all priorities are taken. */
  | 'ERR_ATTACH'
  /** The directory for pins is not on bpffs. */
  | 'ERR_BPFFS'
  /** Too large for the kernel, or for the memory it may use. */
  | 'ERR_LIMIT'
  /** A control group is not there. */
  | 'ERR_CGROUP'
  /** A netlink request was refused. */
  | 'ERR_NETLINK'

/** An error about a kernel object: what is wrong, what to do, and the cause. */
export class KernelError extends Error {
  readonly code: KernelErrorCode
  readonly hint: string | undefined

  constructor(code: KernelErrorCode, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'KernelError'
    this.code = code
    this.hint = hint
  }
}
