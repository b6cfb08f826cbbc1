// What the commands that take iptables' place share.

import { type Family, iptablesName, isTableName, type TableName } from 'iptables-parser'
import { ServiceError } from '../service/error.ts'
import type { LockWait } from '../service/lock.ts'
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

/** The table that words name which do not make a command here, though they may there. */
export function tableNamed(words: readonly string[]): TableName {
  const name = words.flatMap((word, index) => tableIn(word, words[index + 1])).at(0) ?? 'filter'
  return isTableName(name) ? name : 'filter'
}

function tableIn(word: string, next = ''): string[] {
  const [, attached] = /^--ta(?:b|bl|ble)?(?:=(.*))?$/.exec(word) ?? []
  if (attached !== undefined) return [attached]
  if (/^--ta(b|bl|ble)?$/.test(word)) return [next]
  const [, short] = /^-[46vnx]*t(.*)$/.exec(word) ?? []
  return short === undefined ? [] : [short || next]
}
