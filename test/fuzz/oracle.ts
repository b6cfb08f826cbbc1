// What iptables-legacy-restore --test says of a file, and where we differ from it knowingly.

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { iptablesName, type RuleError } from 'iptables-parser'
import type { Sample } from './corpus.ts'

const lock = join(tmpdir(), `bpft-fuzz-${process.pid}.lock`)
process.on('exit', () => rmSync(lock, { force: true }))

/** What we read more freely than iptables-restore, undone: ends of lines, blank lines in tables, and the base 0 that iptables-save prints. */
export const strict = (text: string): string =>
  text
    .split('\n')
    .map(line => (line.trim() === 'COMMIT' ? 'COMMIT' : line.replace(/\r$/, '').replace(BASE_0, '$1/1')))
    .filter(line => !/^[ \t\r]*$/.test(line))
    .map(line => `${line}\n`)
    .join('')

const BASE_0 = /(?<=(?:SNAT|MASQUERADE) .*)(\d-\d+)\/0+(?![^\s"'])/g

/** Undefined where it takes the file; else what it says. Needs root. */
export function refusedByLegacy({ text, family }: Sample): string | undefined {
  const command = `${iptablesName(family)}-legacy-restore`
  const { status, stderr, error } = spawnSync('unshare', ['--net', command, '--test'], {
    input: text,
    encoding: 'utf8',
    env: { ...process.env, XTABLES_LOCKFILE: lock },
  })
  if (error) throw error
  return status === 0 ? undefined : stderr.trim() || `status ${status}`
}

/** Whether the two may differ about a file: `ours` is why we refuse it, `theirs` why iptables-legacy-restore --test does. */
export function isKnownDifference(ours: RuleError | undefined, theirs: string | undefined): boolean {
  if (ours?.code === 'ERR_COUNTER' || ours?.message.startsWith('a quote is opened')) return true
  // --test does not ask the kernel, and an empty file is one to iptables-restore
  if (ours?.refusal?.status === 1 || ours?.code === 'ERR_INPUT' || ours?.code === 'ERR_LOOP')
    return theirs === undefined
  // users, groups, host names, sets and modules that only this machine has or lacks
  return /not found|Couldn't load match|set .* doesn't exist|Bad (user|group)|unable to initialize|too long/i.test(
    theirs ?? '',
  )
}
