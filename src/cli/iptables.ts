// What the commands that take iptables' place share.

import { type Family, iptablesName } from 'iptables-parser'
import { ServiceError } from '../service/error.ts'
import type { LockWait } from '../service/lock.ts'
import { ownTable } from '../service/rule-file.ts'
import { type ExitCode, exitCode } from './error.ts'

/** The iptables whose options and output these are; scripts look for it. */
const IPTABLES_VERSION = '1.8.9'

/** As iptables writes its version, with the variant in brackets: `v1.8.9 (bpftables)`. */
export const versionText = `v${IPTABLES_VERSION} (bpftables)`

/** iptables' version and variant without the `v`, as its messages hold them. */
export const messageVersion = `${IPTABLES_VERSION} (bpftables)`

export const programName = (family: Family, suffix: '' | '-save' | '-restore'): string =>
  `${iptablesName(family)}${suffix}`

/** Reports an error that iptables has words for, or else rethrows it. */
export function reportLocked(error: unknown, wait: LockWait): ExitCode {
  if (!(error instanceof ServiceError) || error.code !== 'ERR_LOCKED') throw error
  process.stderr.write(`Another app is currently holding the xtables lock. Stopped waiting after ${wait}s.\n`)
  return exitCode.locked
}

/** Only our own table is here; the others stay where they are. Throws ServiceError('ERR_TABLE_LEFT'). */
export function requireOwnTable(table: string): void {
  if (table === ownTable) return
  throw new ServiceError(
    'ERR_TABLE_LEFT',
    `the table ${table} is not run by bpftables`,
    "It stays with the kernel's own iptables: use iptables-legacy or iptables-nft for it.",
  )
}
