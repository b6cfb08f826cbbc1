/** What can go wrong around the rules and the kernel. Codes are stable; messages are not. */
export type ServiceErrorCode =
  /** An environment variable or option that makes no sense. */
  | 'ERR_SETTING'
  /** A file that cannot be read or written. */
  | 'ERR_FILE'
  /** Another process holds the lock. */
  | 'ERR_LOCKED'
  /** The state directory and the kernel do not agree, or the state cannot be read. */
  | 'ERR_STATE'
  /** The rules are those of another network namespace. */
  | 'ERR_NAMESPACE'
  /** Nothing is loaded. */
  | 'ERR_NOT_LOADED'
  /** There is no such device. */
  | 'ERR_DEVICE'
  /** The verifier refused a program. */
  | 'ERR_REJECTED'
  /** Tables are left to the kernel's own iptables, and there is none. */
  | 'ERR_NO_PASSTHROUGH'
  /** The kernel's own iptables refused what was left to it. */
  | 'ERR_PASSTHROUGH'

/** An error that a user can meet: what is wrong, what to do, and the cause. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError'
  readonly code: ServiceErrorCode
  readonly hint: string | undefined

  constructor(code: ServiceErrorCode, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.hint = hint
  }
}

/** Why the system refused something, without Node's own decoration: `no such file or directory`. */
export const systemReason = (error: unknown): string =>
  error instanceof Error
    ? error.message.replace(/^E[A-Z0-9]+: /, '').replace(/, [a-z]+ '.*'$/, '')
    : `${error}`

export const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'
