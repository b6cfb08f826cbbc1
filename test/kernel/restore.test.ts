// Random rule files, restored by iptables-legacy-restore in a namespace and by restoreSave: the same files are taken and refused,
// and the same rules with the same counters are there afterwards.

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import {
  type Family,
  iptablesName,
  noCounters,
  printRuleset,
  RuleError,
  type Ruleset,
  restoreSave,
  type Table,
  type TableName,
} from 'iptables-parser'
import { type Restore, restores } from '../rules/random-files.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const lock = join(tmpdir(), `bpft-restore-${process.pid}.lock`)
test.after.always(() => rmSync(lock, { force: true }))

/** Between the outcomes of restores. */
const MARK = '\u001e'

interface Outcome {
  readonly taken: boolean
  readonly message: string
}

const flags = ({ counters, noflush, table }: Restore): string =>
  [counters ? '-c' : '', noflush ? '-n' : '', table ? `-T ${table}` : ''].join(' ')

/** What iptables-legacy-restore makes of one file after the other, and what is there then. */
function legacy(files: readonly Restore[], family: Family): { outcomes: Outcome[]; saved: string } {
  const name = `${iptablesName(family)}-legacy`
  const script = files.map(
    file => `${name}-restore ${flags(file)} 2>&1 >/dev/null <<'${MARK}'
${file.text}${MARK}
printf '${MARK}%s${MARK}' $?`,
  )
  const input = `${script.join('\n')}\n${name}-save -c\n`
  const env = { ...process.env, XTABLES_LOCKFILE: lock }
  const { stdout, status, error } = spawnSync('unshare', ['--net', 'bash'], { input, encoding: 'utf8', env })
  if (error) throw error
  if (status !== 0) throw new Error(`the script failed with status ${status}`)
  const parts = stdout.split(MARK)
  const outcomes = files.map((_, index) => ({
    message: parts[index * 2] ?? '',
    taken: parts[index * 2 + 1] === '0',
  }))
  return { outcomes, saved: (parts.at(-1) ?? '').replace(/^#.*\n/gm, '') }
}

function ours(before: Ruleset, file: Restore): Outcome & { ruleset: Ruleset } {
  const { text, counters, noflush, table } = file
  try {
    const options = { counters, noflush, ...(table && { table }) }
    const ruleset = forgetful(before, restoreSave(before, text, options), file)
    return { ruleset, taken: true, message: '' }
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    return { ruleset: before, taken: false, message: error.message }
  }
}

/** iptables-legacy loses what the policies of a table have counted whenever it changes anything in it; we keep it. */
function forgetful(before: Ruleset, after: Ruleset, file: Restore): Ruleset {
  const tables = after.tables.map((table): Table => {
    const old = before.tables.find(one => one.name === table.name)
    if (!changes(file, table.name)) return table
    const chains = table.chains.map(chain => {
      const same = old?.chains.find(one => one.name === chain.name)
      return same && chain.policy && same.counters === chain.counters
        ? { ...chain, counters: noCounters }
        : chain
    })
    return { ...table, chains }
  })
  return { ...after, tables }
}

/** Whether a file makes iptables-legacy-restore touch a table: emptying a chain that is empty counts. */
function changes({ text, noflush, table }: Restore, name: TableName): boolean {
  const lines = text.split(/^(?=\*)/m).find(part => part.startsWith(`*${name}\n`))
  if (lines === undefined || (table && table !== name)) return false
  const edits = lines.split('\n').filter(line => /^[-:["]/.test(line) && !/^-S|-[46]$|^:[A-Z]+ -/.test(line))
  return !noflush || edits.length > 0
}

function compare(files: readonly Restore[], family: Family): string | undefined {
  const { outcomes, saved } = legacy(files, family)
  let ruleset: Ruleset = { family, tables: [] }
  for (const [index, file] of files.entries()) {
    const mine = ours(ruleset, file)
    const theirs = outcomes[index]
    if (mine.taken !== theirs?.taken)
      return `${flags(file)}\n${file.text}--- iptables-legacy: ${JSON.stringify(theirs)}\n--- ours: ${mine.message || 'taken'}`
    ruleset = mine.ruleset
    // tables before the one that is refused have been committed, where we take all or nothing
    if (!mine.taken && file.text.split('COMMIT\n').length > 2) return undefined
  }
  const printed = sorted(printRuleset(ruleset, { counters: true }))
  if (printed === sorted(saved)) return undefined
  return `${files.map(file => `${flags(file)}\n${file.text}`).join('\n')}--- iptables-legacy-save -c\n${sorted(saved)}\n--- ours\n${printed}`
}

/** Without tables that hold nothing: a file that is refused makes them too. */
const sorted = (saved: string): string =>
  saved
    .split(/^(?=\*)/m)
    .filter(table => /^(-|\[|:.* - |:.* DROP|:.*\[[1-9])/m.test(table))
    .sort((a, b) => tableOrder(a) - tableOrder(b))
    .join('')

const ORDER: readonly TableName[] = ['filter', 'nat', 'mangle', 'raw', 'security']
const tableOrder = (text: string): number => ORDER.findIndex(name => text.startsWith(`*${name}`))

const { BPFTABLES_SEED: seedGiven, BPFTABLES_RUNS: runsGiven } = process.env
const seed = Number(seedGiven ?? Date.now() % 2 ** 31)
const numRuns = Number(runsGiven ?? 60)

for (const family of [4, 6] as const)
  kernelTest(`random files do to ${iptablesName(family)}-legacy-restore what they do to a rule set`, t => {
    const faults = fc
      .sample(restores(family), { seed, numRuns })
      .map(files => compare(files, family))
      .filter(fault => fault !== undefined)
    t.is(faults.slice(0, 10).join('\n\n'), '', `seed ${seed}`)
  })
