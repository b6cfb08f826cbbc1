// How long rule files take to be read and printed, beside iptables-legacy-restore --test and iptables-legacy-save:
// `npm run bench:rules -- [RULES]`, 100,000 unless said otherwise. The iptables commands are run as root, in network namespaces
// without names.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { iptablesName, parseSave, printRuleset } from 'iptables-parser'
import { isInstalled } from './contender/iptables.ts'
import { median } from './packet-time.ts'
import { series } from './series/registry.ts'
import type { Workload } from './workload.ts'

const ROUNDS = 5
const SERIES = ['five-tuple', 'acl', 'fw', 'chains']
const SEED = 1

/** Milliseconds: of the first round, in which code is cold, and the median of all. */
interface Time {
  readonly first: number
  readonly median: number
}

const timeOf = (rounds: readonly number[]): Time => ({
  first: rounds[0] ?? Number.NaN,
  median: median(rounds),
})

function measure<T>(run: () => T): { readonly time: Time; readonly result: T } {
  const start = performance.now()
  let result = run()
  const rounds = [performance.now() - start]
  while (rounds.length < ROUNDS) {
    const again = performance.now()
    result = run()
    rounds.push(performance.now() - again)
  }
  return { time: timeOf(rounds), result }
}

/** Times a command in a fresh namespace, after another has made it ready. */
function measureCommand(ready: string, command: string, env: Readonly<Record<string, string>>): Time {
  const rounds = Array.from({ length: ROUNDS }, () => `date +%s%N; ${command}; date +%s%N`)
  const script = ['set -e', ready, ...rounds].join('\n')
  const { status, stdout, stderr, error } = spawnSync('unshare', ['--net', 'sh', '-c', script], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  if (error) throw error
  if (status !== 0) throw new Error(`${command} failed: ${stderr.trim()}`)
  const stamps = stdout.trim().split('\n').map(BigInt)
  const spans = rounds.map((_, round) => Number((stamps[2 * round + 1] ?? 0n) - (stamps[2 * round] ?? 0n)))
  return timeOf(spans.map(nanoseconds => nanoseconds / 1e6))
}

interface Row {
  readonly name: string
  readonly ours: Time
  readonly theirs: Time
}

function rows(name: string, { family, text }: Workload, folder: string): readonly Row[] {
  const file = join(folder, `${name}.rules`)
  writeFileSync(file, text)
  const iptables = `${iptablesName(family)}-legacy`
  const env = { RULES: file, XTABLES_LOCKFILE: join(folder, 'lock') }
  const restore = measureCommand('', `${iptables}-restore --test < "$RULES"`, env)
  const save = measureCommand(`${iptables}-restore < "$RULES"`, `${iptables}-save > /dev/null`, env)
  const read = measure(() => parseSave(text, { family }))
  const print = measure(() => printRuleset(read.result))
  return [
    { name: `${name}, parse`, ours: read.time, theirs: restore },
    { name: `${name}, print`, ours: print.time, theirs: save },
  ]
}

const whole = (milliseconds: number): string => milliseconds.toFixed(0)
const ratio = ({ ours, theirs }: Row, which: keyof Time): string =>
  `${(ours[which] / theirs.median).toFixed(1)}x`

const HEAD = ['', 'first, ms', 'median, ms', 'iptables-legacy, ms', 'first', 'median']

function tableOf(all: readonly Row[]): string {
  const cells = all.map(row => [
    row.name,
    whole(row.ours.first),
    whole(row.ours.median),
    whole(row.theirs.median),
    ratio(row, 'first'),
    ratio(row, 'median'),
  ])
  const widths = HEAD.map((_, column) =>
    Math.max(...[HEAD, ...cells].map(line => (line[column] ?? '').length)),
  )
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, column) =>
        column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
      )
      .join('  ')
  return `${[HEAD, ...cells].map(line).join('\n')}\n`
}

function main([given = '100000']: readonly string[]): number {
  const size = Number(given)
  if (!Number.isInteger(size) || size < 1) {
    process.stderr.write(`bench: "${given}" is not a number of rules\n`)
    return 2
  }
  if (process.geteuid?.() !== 0 || !isInstalled('iptables-legacy-restore')) {
    process.stderr.write('bench: this needs root and iptables-legacy\n')
    return 1
  }
  const folder = mkdtempSync(join(tmpdir(), 'bpft-bench-'))
  try {
    const all = SERIES.flatMap(name => rows(name, make(name, size), folder))
    process.stdout.write(
      `${size.toLocaleString('en-US')} rules; ratios are to the median of iptables-legacy-restore --test and iptables-legacy-save\n\n${tableOf(all)}`,
    )
    return 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function make(name: string, size: number): Workload {
  const chosen = series[name]
  if (!chosen) throw new RangeError(`there is no series ${name}`)
  return chosen.make(size, SEED)
}

process.exitCode = main(process.argv.slice(2))
