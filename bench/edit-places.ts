// What an edit costs by where it is made: behind the rules of a series, before them, and in their middle, where a rule is put in, or one of the series is taken
// out and put back. Of a series of chains: in base chains, in one of the chains, behind its rules and in their middle, and where the chains are called from. Beside each the same edits of an empty table, taken in turns.

import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Chain, parseSave, printRule } from 'iptables-parser'
import { type Installed, install, ours } from './installed.ts'
import { median } from './packet-time.ts'
import { progress } from './progress.ts'
import { workloadOf } from './series/file.ts'
import { series } from './series/registry.ts'
import type { Workload } from './workload.ts'

const SEED = 1

/** An edit and the one that undoes it: words of iptables. */
export interface EditPair {
  readonly place: string
  readonly edit: readonly string[]
  readonly undo: readonly string[]
}

/** Rules as iptables-restore takes them, and edits of them; those of a round differ from those of another. */
export interface EditedRules {
  readonly text: string
  readonly pairs: (round: number) => readonly EditPair[]
}

const words = (text: string): string[] => text.split(' ').filter(Boolean)

const beside = (round: number, middle: number, chain = 'INPUT'): EditPair[] => [
  {
    place: 'behind',
    edit: ['-A', chain, '-s', `192.0.2.${round}`, '-j', 'DROP'],
    undo: ['-D', chain, '-s', `192.0.2.${round}`, '-j', 'DROP'],
  },
  {
    place: 'before',
    edit: ['-I', chain, '1', '-i', `bench${round}`, '-j', 'ACCEPT'],
    undo: ['-D', chain, '1'],
  },
  {
    place: 'between',
    edit: ['-I', chain, `${middle}`, '-s', `192.0.2.${round}`, '-d', '192.0.2.1', '-j', 'DROP'],
    undo: ['-D', chain, `${middle}`],
  },
  {
    place: 'between, any address',
    edit: ['-I', chain, `${middle}`, '-p', 'tcp', '--dport', `${8000 + round}`, '-j', 'ACCEPT'],
    undo: ['-D', chain, `${middle}`],
  },
]

const added = (place: string, chain: string, ...words: readonly string[]): EditPair => ({
  place,
  edit: ['-A', chain, ...words],
  undo: ['-D', chain, ...words],
})

export const emptyTable: EditedRules = { text: '*filter\nCOMMIT\n', pairs: round => beside(round, 1) }

/** The rules of a series: all of them in INPUT, or in chains that INPUT leads to. */
export const editedSeries = (name: string, size: number): EditedRules =>
  name === 'chains' || name === 'zones' ? editedChains(name, size) : editedRules(name, size)

/** Chains that one calls, which has more calls than others. */
function editedChains(name: string, size: number): EditedRules {
  const { text } = madeOf(name, size)
  const [table] = parseSave(text, { family: 4 }).tables
  const user = table?.chains.filter(({ policy }) => !policy).map(({ name }) => name) ?? []
  const lengths = new Map(table?.chains.map(({ name, rules }) => [name, rules.length]))
  const caller = table?.chains.reduce((a, b) => (callsIn(a) >= callsIn(b) ? a : b)).name ?? ''
  return {
    text,
    pairs(round) {
      const one = user[Math.round((user.length * (round + 1)) / 20)] ?? caller
      const middle = `${1 + ((lengths.get(one) ?? 0) >> 1)}`
      return [
        ...beside(round, 2),
        added('in FORWARD', 'FORWARD', '-s', `192.0.2.${round}`, '-j', 'DROP'),
        added('in a chain', one, '-s', `192.0.2.${round}`, '-j', 'ACCEPT'),
        {
          place: 'inside a chain',
          edit: ['-I', one, middle, '-s', `192.0.2.${round}`, '-p', 'tcp', '-j', 'ACCEPT'],
          undo: ['-D', one, middle],
        },
        added('a call', caller, '-d', `192.0.2.${round}`, '-j', one),
      ]
    },
  }
}

const callsIn = ({ rules }: Chain): number =>
  rules.filter(({ target }) => target !== undefined && 'chain' in target).length

/** Throws RangeError for a series that is not of IPv4. */
function madeOf(name: string, size: number): Workload {
  const made = series[name]?.make(size, SEED)
  if (made?.family !== 4) throw new RangeError(`there are no edits of the series ${name}`)
  return made
}

const editedRules = (name: string, size: number): EditedRules => editedText(madeOf(name, size))

/** The rules of a file: edits of the chain that has most. Throws RangeError for a file that is not of IPv4. */
export function editedFile(path: string): EditedRules {
  const made = workloadOf(path, SEED)
  if (made.family !== 4) throw new RangeError(`there are no edits of ${path}: it is not of IPv4`)
  return editedText(made)
}

function editedText({ text }: Pick<Workload, 'text'>): EditedRules {
  const chains = parseSave(text, { family: 4 }).tables.flatMap(({ chains }) => chains)
  const { name: chain = 'INPUT', rules = [] } =
    chains.toSorted((a, b) => b.rules.length - a.rules.length)[0] ?? {}
  return {
    text,
    pairs(round) {
      const number = Math.max(1, Math.round((rules.length * (round + 1)) / 20))
      const rule = rules[number - 1]
      const own = rule && {
        place: 'one of them',
        edit: ['-D', chain, `${number}`],
        undo: ['-I', chain, `${number}`, ...words(printRule(rule, 4))],
      }
      return [...beside(round, number, chain), ...(own ? [own] : [])]
    },
  }
}

/** Milliseconds that commands took, an edit and the one that undoes it each. */
export interface PlaceResult {
  readonly rules: string
  readonly place: string
  /** Processor time, by GNU time to ten milliseconds: the mean. */
  readonly processor: number
  /** Wall time: the median. */
  readonly wall: number
}

const ROUNDS = 6

interface Taken {
  readonly processor: number
  readonly wall: number
}

function timed({ run }: Installed, words: readonly string[]): Taken {
  const file = join(tmpdir(), `bpft-bench-time-${process.pid}`)
  const start = performance.now()
  run('/usr/bin/time', ['-q', '-f', '%U %S', '-o', file, ours('iptables'), ...words])
  const wall = performance.now() - start
  const [user = 0, system = 0] = readFileSync(file, 'utf8').split(' ').map(Number)
  rmSync(file)
  return { processor: 1000 * (user + system), wall }
}

/** Makes the edits of all rules in turns, so that a busy machine is busy for all of them. */
export function measurePlaces(all: ReadonlyMap<string, EditedRules>): readonly PlaceResult[] {
  const ready = [...all].map(([name, rules]) => {
    const installed = install()
    installed.run(ours('iptables-restore'), [], rules.text)
    return { name, rules, installed }
  })
  const taken = new Map<string, { readonly rules: string; readonly place: string; readonly all: Taken[] }>()
  try {
    for (let round = 1; round <= ROUNDS; round++)
      for (const { name, rules, installed } of ready)
        for (const { place, edit, undo } of rules.pairs(round)) {
          progress(`round ${round}: ${place} ${name}`)
          const known = taken.get(`${name} ${place}`) ?? { rules: name, place, all: [] }
          known.all.push(timed(installed, edit), timed(installed, undo))
          taken.set(`${name} ${place}`, known)
        }
  } finally {
    for (const { installed } of ready) installed.close()
  }
  return [...taken.values()].map(({ rules, place, all }) => ({
    rules,
    place,
    processor: all.reduce((sum, { processor }) => sum + processor, 0) / all.length,
    wall: median(all.map(({ wall }) => wall)),
  }))
}

/** Processor and wall time, in milliseconds. */
export function placesTable(results: readonly PlaceResult[]): string {
  const [rules, places] = [results.map(one => one.rules), results.map(one => one.place)].map(names => [
    ...new Set(names),
  ])
  const cell = (name: string, place: string): string => {
    const found = results.find(one => one.rules === name && one.place === place)
    return found ? `${found.processor.toFixed(0)} / ${found.wall.toFixed(0)}` : ''
  }
  const head = ['ms of processor / wall time', ...(places ?? [])]
  const rows = (rules ?? []).map(name => [name, ...(places ?? []).map(place => cell(name, place))])
  return [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows]
    .map(row => `| ${row.join(' | ')} |\n`)
    .join('')
}
