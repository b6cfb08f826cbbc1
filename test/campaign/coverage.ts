// What the differential test really tries: a counting rule in front of each rule tells how many packets came to it, so that it is known
// how many met it and how many did not; others count the states of connections at the head of the base chains.

import { type Experiment, legacyCounters } from '../kernel/harness/differential.ts'
import { countTraits } from './trait.ts'

/** Of rules that ask one thing, or end one way. */
export interface Tally {
  readonly rules: number
  /** Rules that a packet met, and rules that a packet came to and did not meet. */
  readonly met: number
  readonly missed: number
  readonly packetsMet: number
  readonly packetsMissed: number
}

export interface Coverage {
  readonly experiments: number
  readonly packets: number
  /** By option: `conntrack --ctstate`, with `! ` before it where it is negated; `-j ACCEPT`. */
  readonly options: ReadonlyMap<string, Tally>
  /** Packets by trait and, as the base chains see them, by state of connection. */
  readonly traits: ReadonlyMap<string, number>
  readonly states: ReadonlyMap<string, number>
}

export const states = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'SNAT', 'DNAT'] as const

const baseChains = ['INPUT', 'FORWARD', 'OUTPUT'] as const

/** Connections are tracked, so that asking for their state changes nothing. */
const isTracked = ({ rules, nat }: Experiment): boolean =>
  nat !== undefined || / -m (conntrack|state) /.test(rules)

const mark = (comment: string): string => `-m comment --comment "coverage ${comment}"`

const stateRules = (): readonly string[] =>
  baseChains.flatMap(chain =>
    states.map(state => `-A ${chain} -m conntrack --ctstate ${state} ${mark(state)}`),
  )

/** The rules with those that count. */
const counting = (experiment: Experiment): string => {
  const lines = experiment.rules
    .split('\n')
    .flatMap(line => (line.startsWith('-A ') ? [`-A ${line.split(' ')[1]} ${mark('came')}`, line] : [line]))
  const heads = isTracked(experiment) ? stateRules() : []
  const filter = lines.indexOf('*filter')
  const first = lines.findIndex((line, index) => index > filter && line.startsWith('-A '))
  return filter < 0 ? lines.join('\n') : lines.toSpliced(first, 0, ...heads).join('\n')
}

interface Counted {
  readonly rule: string
  readonly packets: number
}

const readCounted = (line: string): readonly Counted[] => {
  const [, packets, rule] = /^\[(\d+):\d+\] (-A .*)$/.exec(line) ?? []
  return rule === undefined ? [] : [{ rule, packets: Number(packets) }]
}

/** The options of a rule, each under the match it belongs to. */
const optionsOf = (rule: string): readonly string[] => {
  const [, , ...words] = rule.split(' ')
  const found: string[] = []
  let match = ''
  words.forEach((word, index) => {
    if (word === '-m') match = `${words[index + 1]} `
    else if (word === '-j' || word === '-g') found.push(targetOf(word, words[index + 1] ?? ''))
    else if (/^--?[a-z]/.test(word))
      found.push(`${words[index - 1] === '!' ? '! ' : ''}${word.startsWith('--') ? match : ''}${word}`)
  })
  return rule.includes(' -j ') || rule.includes(' -g ') ? found : [...found, 'no target']
}

const targetOf = (option: string, target: string): string =>
  /^[A-Z]+$/.test(target) ? `${option} ${target}` : `${option} chain`

const tallyOf = (came: number, met: number): Tally => ({
  rules: 1,
  met: met > 0 ? 1 : 0,
  missed: came > met ? 1 : 0,
  packetsMet: met,
  packetsMissed: came - met,
})

const addTallies = (a: Tally, b: Tally): Tally => ({
  rules: a.rules + b.rules,
  met: a.met + b.met,
  missed: a.missed + b.missed,
  packetsMet: a.packetsMet + b.packetsMet,
  packetsMissed: a.packetsMissed + b.packetsMissed,
})

const merged = <V>(
  entries: Iterable<readonly [string, V]>,
  add: (a: V, b: V) => V,
): ReadonlyMap<string, V> => {
  const sums = new Map<string, V>()
  for (const [name, value] of entries) {
    const before = sums.get(name)
    sums.set(name, before === undefined ? value : add(before, value))
  }
  return sums
}

const plus = (a: number, b: number): number => a + b

const stateOf = (rule: string): string | undefined => /--comment "coverage ([A-Z]+)"/.exec(rule)?.[1]

/** Runs an experiment through iptables-legacy, with counting rules. */
export const coverageOf = async (experiment: Experiment): Promise<Coverage> => {
  const lines = await legacyCounters({ ...experiment, rules: counting(experiment) })
  const counted = lines.flatMap(readCounted)
  const options = counted.flatMap(({ rule, packets }, index) => {
    const before = counted[index - 1]
    if (before === undefined || rule.includes('"coverage ')) return []
    if (!before.rule.includes('--comment "coverage came"')) return []
    return optionsOf(rule).map(option => [option, tallyOf(before.packets, packets)] as const)
  })
  const stated = counted.flatMap(({ rule, packets }) => {
    const state = stateOf(rule)
    return state === undefined ? [] : [[state, packets] as const]
  })
  return {
    experiments: 1,
    packets: experiment.probes.length,
    options: merged(options, addTallies),
    traits: countTraits(experiment.probes),
    states: merged(stated, plus),
  }
}

export const noCoverage: Coverage = {
  experiments: 0,
  packets: 0,
  options: new Map(),
  traits: new Map(),
  states: new Map(),
}

export const addCoverage = (a: Coverage, b: Coverage): Coverage => ({
  experiments: a.experiments + b.experiments,
  packets: a.packets + b.packets,
  options: merged([...a.options, ...b.options], addTallies),
  traits: merged([...a.traits, ...b.traits], plus),
  states: merged([...a.states, ...b.states], plus),
})

/** What an option belongs to: its match; of those that belong to none, itself. */
const subjectOf = (option: string): string => option.replace(/^! /, '').replace(/^(?!-)(\S+) .*/, '$1')

/** Matches and other things asked, negated or not, that no packet met, or that every packet met. */
export const oneSided = ({ options }: Coverage): readonly string[] => {
  const subjects = merged(
    [...options].map(([option, tally]) => [subjectOf(option), tally]),
    addTallies,
  )
  return [...subjects]
    .filter(([, { packetsMet, packetsMissed }]) => packetsMet === 0 || packetsMissed === 0)
    .map(([name]) => name)
}

const tallyRow = ([name, { rules, met, missed, packetsMet, packetsMissed }]: readonly [string, Tally]) =>
  `| \`${name}\` | ${rules} | ${met} | ${missed} | ${packetsMet} | ${packetsMissed} |`

const table = (head: readonly string[], rows: readonly string[]): readonly string[] => [
  `| ${head.join(' | ')} |`,
  `|${' --- |'.repeat(head.length)}`,
  ...rows,
  '',
]

const countRow = ([name, count]: readonly [string, number]): string => `| ${name} | ${count} |`

/** As Markdown. */
export const printCoverage = (coverage: Coverage): string =>
  [
    `${coverage.experiments} rule sets, ${coverage.packets} packets.`,
    '',
    ...table(['packets', ''], [...coverage.traits].map(countRow)),
    ...table(['at the base chains', 'packets'], [...coverage.states].map(countRow)),
    ...table(
      ['asked', 'rules', 'met', 'missed', 'packets that met', 'packets that did not'],
      [...coverage.options].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(tallyRow),
    ),
  ].join('\n')
