// Random commands, given to iptables-legacy in a namespace and to applyCommand: the same is accepted and refused, in the same
// words, the same is printed, and the same rules with the same counters are there afterwards.

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import {
  type Command,
  type Family,
  iptablesName,
  noCounters,
  parseCommand,
  printRefusal,
  printRuleset,
  RuleError,
  type Ruleset,
  refusalStatus,
  runCommand,
  type Table,
  tableOf,
  withTable,
} from 'iptables-parser'
import { commandLines } from '../rules/random-commands.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

interface Outcome {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

const lock = join(tmpdir(), `bpft-commands-${process.pid}.lock`)
test.after.always(() => rmSync(lock, { force: true }))

/** Between the parts of the script's output. */
const MARK = '\u001e'
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** What iptables-legacy does, in a namespace of its own: an outcome for each command, then all rules. */
function legacy(
  lines: readonly (readonly string[])[],
  family: Family,
): { outcomes: Outcome[]; saved: string } {
  const name = `${iptablesName(family)}-legacy`
  const script = lines.map(
    words =>
      `e=$(${name} ${words.map(quoted).join(' ')} 2>&1 >&3 3>&-); s=$?; printf '${MARK}%s${MARK}%s${MARK}' $s "$e"`,
  )
  const input = `exec 3>&1\n${script.join('\n')}\n${name}-save -c\n`
  const env = { ...process.env, XTABLES_LOCKFILE: lock }
  const { stdout, error, status } = spawnSync('unshare', ['--net', 'sh'], {
    input,
    encoding: 'utf8',
    env,
    maxBuffer: 2 ** 28,
  })
  if (error) throw error
  if (status !== 0) throw new Error(`the script failed with status ${status}`)
  const parts = stdout.split(MARK)
  const outcomes = lines.map((_, index) => ({
    stdout: parts[index * 3] ?? '',
    status: Number(parts[index * 3 + 1]),
    stderr: parts[index * 3 + 2] ?? '',
  }))
  return { outcomes, saved: withoutDates(parts.at(-1) ?? '') }
}

const withoutDates = (saved: string): string => saved.replace(/^#.*\n/gm, '')

/** What we do; `ruleset` is what is there afterwards. */
function ours(before: Ruleset, words: readonly string[]): Outcome & { ruleset: Ruleset; exact: boolean } {
  try {
    const command = parseCommand(words, before.family)
    const { ruleset, output } = runCommand(before, command)
    return {
      ruleset: forgetful(before, command, ruleset),
      status: 0,
      stdout: output,
      stderr: '',
      exact: true,
    }
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    const stderr = printRefusal(error, iptablesName(before.family), '1.8.9 (legacy)')
    const exact = error.refusal !== undefined
    return { ruleset: before, status: refusalStatus(error), stdout: '', stderr, exact }
  }
}

/**
 * iptables-legacy loses what the policies of a table have counted whenever it changes anything in it; we keep it, as the counters of
 * rules. So that the rest can be compared, this loses it too.
 */
function forgetful(before: Ruleset, command: Command, after: Ruleset): Ruleset {
  const table = tableOf(after, command.table)
  if (!table || !changes(command, tableOf(before, command.table))) return after
  const set = command.kind === 'policy' && command.counters ? command.chain : undefined
  const chains = table.chains.map(chain =>
    chain.policy && chain.name !== set ? { ...chain, counters: noCounters } : chain,
  )
  return withTable(after, { ...table, chains })
}

function changes(command: Command, before: Table | undefined): boolean {
  const { kind } = command
  if (kind === 'list' || kind === 'list-rules') return command.zero !== undefined
  if (kind === 'check' || kind === 'version' || kind === 'help') return false
  return kind !== 'delete-chain' || before?.chains.some(chain => !chain.policy) === true
}

/** Warnings, which iptables prints beside what it does. */
const withoutWarnings = (stderr: string): string =>
  stderr.replace(/^(Warning: |Ignoring deprecated ).*\n?/gm, '').trimEnd()

function compare(lines: readonly (readonly string[])[], family: Family): string | undefined {
  const { outcomes, saved } = legacy(lines, family)
  let ruleset: Ruleset = { family, tables: [] }
  for (const [index, words] of lines.entries()) {
    const theirs = outcomes[index]
    const mine = ours(ruleset, words)
    ruleset = mine.ruleset
    const agree =
      theirs !== undefined &&
      theirs.status === mine.status &&
      (mine.status !== 0 || theirs.stdout === mine.stdout) &&
      (!mine.exact || withoutWarnings(theirs.stderr) === mine.stderr.trimEnd())
    if (!agree)
      return `${words.map(quoted).join(' ')}\n--- iptables-legacy\n${show(theirs)}\n--- ours\n${show(mine)}`
  }
  const printed = sortedTables(printRuleset(ruleset, { counters: true }))
  const wanted = sortedTables(withoutUntouched(saved, ruleset))
  return printed === wanted ? undefined : `--- iptables-legacy-save -c\n${wanted}\n--- ours\n${printed}`
}

/** The kernel makes a table as soon as it is asked for, by a command that it refuses too: where all were refused we have none. */
const withoutUntouched = (saved: string, { tables }: Ruleset): string =>
  saved
    .split(/^(?=\*)/m)
    .filter(table => !untouched.test(table) || tables.some(({ name }) => table.startsWith(`*${name}\n`)))
    .join('')

const untouched = /^\*\w+\n(:\w+ ACCEPT \[0:0\]\n)+COMMIT\n$/

const show = (outcome: Outcome | undefined): string =>
  outcome ? `status ${outcome.status}\n${outcome.stdout}${outcome.stderr}` : 'nothing'

/** The kernel lists tables in the order they were made, last first. */
const sortedTables = (saved: string): string =>
  saved
    .split(/^(?=\*)/m)
    .sort()
    .join('')

/** BPFTABLES_SEED repeats a run, BPFTABLES_RUNS makes it longer. */
const { BPFTABLES_SEED: seedGiven, BPFTABLES_RUNS: runsGiven } = process.env
const seed = Number(seedGiven ?? Date.now() % 2 ** 31)
const numRuns = Number(runsGiven ?? 25)

for (const family of [4, 6] as const)
  kernelTest(`random commands do to ${iptablesName(family)}-legacy what they do to a rule set`, t => {
    const faults = fc
      .sample(commandLines(family), { seed, numRuns })
      .map(lines => compare(lines, family))
      .filter(fault => fault !== undefined)
    t.is(faults.join('\n\n'), '', `seed ${seed}`)
  })

kernelTest(
  'ip6tables-legacy tells a rule for all protocols from one that names none, though it prints them alike',
  t => {
    const lines = ['-A INPUT -p all -j DROP', '-C INPUT -j DROP', '-S INPUT'].map(line => line.split(' '))
    t.is(compare(lines, 4), undefined)
    t.deepEqual(
      legacy(lines, 6).outcomes.map(({ status }) => status),
      [0, 1, 0],
    )
    t.regex(compare(lines, 6) ?? '', /^'-C' 'INPUT' '-j' 'DROP'\n[^]*--- ours\nstatus 0\n/)
  },
)

kernelTest('a chain that iptables-legacy lets lose its name, and rules their target with it, keeps it', t => {
  const lines = [
    ['-N', 'b'],
    ['-A', 'FORWARD', '-g', 'b'],
    ['-E', 'b', ''],
  ]
  const { outcomes, saved } = legacy(lines, 4)
  t.is(outcomes.at(-1)?.status, 0)
  t.regex(saved, /^\[0:0\] -A FORWARD$/m)
  t.regex(compare(lines, 4) ?? '', /--- ours\nstatus 2\n.*a chain must have a name/)
})
