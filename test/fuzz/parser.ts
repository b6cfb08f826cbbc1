// Fuzzes the parser of rule files: `node dist/test/fuzz/parser.js [SECONDS] [SEED]`, 30 seconds unless said otherwise. Real rule sets (from
// ../shared/rulesets, where they are) and made-up ones are mutated and read. A crash that is no RuleError, a reading that takes
// more than a second, and, as root, a file that iptables-legacy-restore --test takes and we refuse or the other way round,
// are reported with the seed; the exit status is 1 then.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { type Family, formatError, iptablesName, parseSave, RuleError } from 'iptables-parser'
import { restores } from '../rules/random-files.ts'

const [seconds = 30, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number)
const deadline = Date.now() + seconds * 1000
const SLOW_MILLISECONDS = 1000
const LARGEST = 64 * 1024

interface Sample {
  readonly text: string
  readonly family: Family
}

function realFiles(): readonly Sample[] {
  const root = ['../../../../shared/rulesets/real/', '../../../../../shared/rulesets/real/']
    .map(path => new URL(path, import.meta.url))
    .find(url => existsSync(url))
  if (!root) return []
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('tables-save'))
    .map((name): Sample => {
      const family = name.includes('ip6tables') ? 6 : 4
      return { text: readFileSync(new URL(name, root), 'utf8'), family }
    })
    .filter(({ text }) => text.length < LARGEST)
}

const madeUp = (family: Family): readonly Sample[] =>
  fc
    .sample(restores(family), { seed, numRuns: 50 })
    .flatMap(files => files.map(({ text }): Sample => ({ text, family })))

/** A generator of its own, so that a seed gives the same run on every machine (mulberry32). */
let state = seed
function below(limit: number): number {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
}

const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T

const WORDS =
  '-A -I -D -N -m -j -g -p -s ! -f -c tcp ACCEPT LOG --dport INPUT 0 65536 -1 0x10 , / : " \\ * [1:2] COMMIT # é'.split(
    ' ',
  )

type Mutation = (text: string) => string

const MUTATIONS: readonly Mutation[] = [
  text => spliced(text, below(8), ''),
  text => spliced(text, 0, pick(WORDS)),
  text => spliced(text, 1, pick(WORDS)),
  text => spliced(text, 0, ` ${pick(WORDS)} `),
  text => swapped(text.split('\n')).join('\n'),
  text =>
    text
      .split('\n')
      .map((line, index) => (index % 7 === below(7) ? swapped(line.split(' ')).join(' ') : line))
      .join('\n'),
  text => repeated(text.split('\n')).join('\n'),
  text => without(text.split('\n')).join('\n'),
]

function spliced(text: string, remove: number, insert: string): string {
  const at = below(text.length + 1)
  return text.slice(0, at) + insert + text.slice(at + remove)
}

function swapped(list: readonly string[]): string[] {
  const [a, b] = [below(list.length), below(list.length)]
  return list.map((item, index) => (index === a ? (list[b] ?? item) : index === b ? (list[a] ?? item) : item))
}

function repeated(list: readonly string[]): string[] {
  const at = below(list.length)
  return [...list.slice(0, at), ...list.slice(at, at + 1), ...list.slice(at)]
}

const without = (list: readonly string[]): string[] => list.toSpliced(below(list.length), 1)

function mutated(text: string): string {
  let result = text
  for (let count = below(4); count > 0; count--) result = pick(MUTATIONS)(result)
  return result
}

/** What we read more freely than iptables-restore, undone: ends of lines, and blank lines in tables. */
const strict = (text: string): string =>
  text
    .split('\n')
    .map(line => (line.trim() === 'COMMIT' ? 'COMMIT' : line.replace(/\r$/, '')))
    .filter(line => !/^[ \t\r]*$/.test(line))
    .map(line => `${line}\n`)
    .join('')

/** Undefined where it was taken. */
function refused({ text, family }: Sample): RuleError | undefined {
  const start = performance.now()
  try {
    parseSave(text, { family, unknownExtensions: 'refuse' })
    return undefined
  } catch (error) {
    if (error instanceof RuleError) return error
    throw error
  } finally {
    if (performance.now() - start > SLOW_MILLISECONDS) report('slow', { text, family })
  }
}

/** Undefined where it was taken; else what iptables-legacy-restore says. */
function refusedByOracle({ text, family }: Sample): string | undefined {
  const command = `${iptablesName(family)}-legacy-restore`
  const { status, stderr, error } = spawnSync('unshare', ['--net', command, '--test'], {
    input: text,
    encoding: 'utf8',
  })
  if (error) throw error
  return status === 0 ? undefined : stderr.trim() || `status ${status}`
}

/** Where we differ knowingly: see the README. */
function isKnown(error: RuleError | undefined, words: string | undefined): boolean {
  if (error?.code === 'ERR_COUNTER' || error?.message.startsWith('a quote is opened')) return true
  // --test does not ask the kernel, and an empty file is one to iptables-restore
  if (error?.refusal?.status === 1 || error?.code === 'ERR_INPUT' || error?.code === 'ERR_LOOP')
    return words === undefined
  // users, groups, host names, sets and modules that only this machine has or lacks
  return /not found|Couldn't load match|set .* doesn't exist|Bad (user|group)|unable to initialize|too long/i.test(
    words ?? '',
  )
}

let faults = 0
function report(what: string, { text, family }: Sample): void {
  faults++
  process.stdout.write(`${what} (seed ${seed}, IPv${family})\n${text}\n\n`)
}

function tryOne(sample: Sample, withOracle: boolean): void {
  let error: RuleError | undefined
  try {
    error = refused(sample)
  } catch (crash) {
    return report(`crash: ${crash instanceof Error ? crash.stack : String(crash)}`, sample)
  }
  if (!withOracle) return
  const words = refusedByOracle(sample)
  if ((error === undefined) === (words === undefined) || isKnown(error, words)) return
  report(error ? `refused: ${formatError(error)}` : `taken, where iptables says: ${words}`, sample)
}

const corpus = [...realFiles(), ...madeUp(4), ...madeUp(6)]
const isRoot = process.geteuid?.() === 0
let runs = 0
let asked = 0
for (; Date.now() < deadline && faults < 20; runs++) {
  const sample = pick(corpus)
  // starting iptables-legacy-restore takes far longer than reading a file
  const withOracle = isRoot && runs % 8 === 0
  const text = mutated(sample.text)
  if (withOracle) asked++
  tryOne({ text: withOracle ? strict(text) : text, family: sample.family }, withOracle)
}
process.stdout.write(
  `${runs} files, ${asked} of them given to iptables-legacy-restore, ${faults} faults, seed ${seed}\n`,
)
process.exitCode = faults > 0 ? 1 : 0
