// Random rule sets with long runs of one shape, and random edits of them: in the runs, at their ends and elsewhere.

import type { Family } from 'iptables-parser'
import type { Random } from '../harness/random.ts'
import { sketchTable } from './sketch.ts'

/** What rules of a run ask, by a number from a small range, so that the same values come again. */
type Shape = (value: number) => string

const address = (family: Family, value: number): string =>
  family === 4 ? `198.51.${100 + (value >> 8)}.${value & 255}` : `2001:db8:1::${value.toString(16)}`

const shapesOf = (family: Family): readonly Shape[] => [
  value => `-s ${address(family, value)}`,
  value => `-d ${address(family, value)}`,
  value => `-p tcp -m tcp --dport ${1000 + value}`,
  value => `-p ${value % 2 ? 'tcp' : 'udp'} --dport ${1000 + (value >> 1)}`,
  value => `-s ${address(family, value)} -p udp -m udp --dport 53`,
  value =>
    `-s ${address(family, value & 7)} -d ${address(family, 64 + (value >> 3))} -p tcp -m tcp --sport 4000 --dport ${80 + (value & 1)}`,
  value => `-s ${address(family, value)} -p 17`,
]

/** Shapes that ask for a source, and what rules for some of the same sources may ask beside. */
const SOURCES = [0, 4, 5, 6] as const

function network(random: Random, family: Family): string {
  const free = random.below(6)
  const first = address(family, (random.below(RANGE) >> free) << free)
  const beside = random.pick(['', '', '-p tcp', '-p tcp -m tcp --dport 53', '-p udp -m udp --sport 4000'])
  return `-s ${first}/${(family === 4 ? 32 : 128) - free} ${beside}`.trim()
}

const RANGE = 160

export interface Sketched {
  readonly rules: string
  /** Words of the next edit, of rules that have so many in INPUT and in the chain `run`. */
  edit(count: (chain: string) => number, ruleAt: (chain: string, number: number) => string): string[]
}

export type Verb = 'append' | 'insert' | 'replace' | 'delete at' | 'delete same'

const verbs: readonly Verb[] = ['append', 'insert', 'replace', 'delete at', 'delete same', 'delete same']

interface Editing {
  readonly chain: string
  readonly number: number
  /** The words of a rule to put in. */
  readonly rule: readonly string[]
  readonly ruleAt: (chain: string, number: number) => string
}

/** The words of an edit: of the rule given, or of the one that has the number. */
export function editWords(verb: Verb | undefined, { chain, number, rule, ruleAt }: Editing): string[] {
  if (verb === 'append') return ['-A', chain, ...rule]
  if (verb === 'insert') return ['-I', chain, `${number}`, ...rule]
  if (verb === 'replace') return ['-R', chain, `${number}`, ...rule]
  return ['-D', chain, ...(verb === 'delete at' ? [`${number}`] : ruleAt(chain, number).split(' '))]
}

/** How long the runs are. */
export type Lengths = Readonly<Record<'INPUT' | 'run', number>>

/** What rules ask that have packets in common with most of a run; at `ingress` what is known there. */
export function wide(random: Random, family: Family, ingress: boolean): string {
  const port = 1000 + random.below(RANGE)
  const icmp = family === 4 ? '-p icmp' : '-p icmpv6'
  return random.pick([
    '',
    '-p tcp',
    `-p tcp -m tcp --dport ${port}`,
    `-p udp -m udp --dport ${random.pick([53, port])}`,
    `! -p tcp`,
    icmp,
    '-i eth0',
    '! -i eth1',
    `! -s ${address(family, random.below(RANGE))}`,
    `-p tcp -m multiport --dports 80,${port},53`,
    `-p tcp -m tcp ! --sport 4000`,
    '-p tcp -m tcp --tcp-flags SYN,ACK SYN',
    `-m length --length ${random.below(60)}:${60 + random.below(60)}`,
    '-m addrtype --dst-type MULTICAST',
    ...(family === 4 ? ['-f', '! -f'] : []),
    ...(ingress
      ? []
      : [
          '-m conntrack --ctstate NEW',
          '-m conntrack ! --ctstate ESTABLISHED',
          '-m state --state INVALID,NEW',
          `-m mark --mark 0x${random.below(4).toString(16)}`,
        ]),
  ])
}

/**
 * Where edits put rules of other shapes as often as those of the runs: before and behind them (`around`), `among` them, for some of the sources that
 * the runs ask for, or `between` them, for most of what they ask for.
 */
export interface Wanted {
  readonly lengths: Lengths
  readonly others?: 'around' | 'among' | 'between'
  /** The rules must be known at xdp and tc. */
  readonly ingress?: boolean
}

export function sketchEdits(
  random: Random,
  family: Family,
  { lengths, others, ingress = false }: Wanted,
): Sketched {
  const shapeOf = (): Shape =>
    others === 'among' ? (shapesOf(family)[random.pick(SOURCES)] ?? String) : random.pick(shapesOf(family))
  const shapes = { INPUT: shapeOf(), run: shapeOf() }
  // a run ends at a rule that only counts, where its values come again, and nothing can be put in between it without reading it
  const counting = random.pick([0, 0, 0.01])
  const target = (): string =>
    others !== 'around' && random.chance(others === 'between' ? counting : 0.05)
      ? ''
      : random.pick(['-j DROP', '-j DROP', '-j ACCEPT', '-j RETURN'])
  const ruleOf = (chain: keyof typeof shapes, value = random.below(RANGE)): string =>
    `${shapes[chain](value)} ${target()}`.trim()
  const other = (chain?: keyof typeof shapes): string => {
    if (others === 'between') {
      const calls = chain === 'INPUT' ? ['-j run', '-g run'] : []
      const targets = ['', '', '-j DROP', '-j ACCEPT', '-j RETURN', ...calls]
      return `${wide(random, family, ingress)} ${random.pick(targets)}`.trim()
    }
    const asked =
      others === 'among' ? network(random, family) : random.pick(shapesOf(family))(random.below(RANGE))
    return `${asked} ${target()}`.trim()
  }
  const run = (chain: keyof typeof shapes): string[] =>
    Array.from(
      { length: lengths[chain] + random.below(20) },
      (_, value) =>
        `-A ${chain} ${ruleOf(chain, others || random.chance(0.9) ? value : random.below(RANGE))}`,
    )
  const perhaps = (chain: keyof typeof shapes): string[] =>
    random.chance(0.5) ? [`-A ${chain} ${other()}`] : []
  const put: string[][] = []
  return {
    rules: sketchTable(
      random,
      [...perhaps('INPUT'), ...run('INPUT'), ...perhaps('INPUT')],
      [...run('run'), ...perhaps('run')],
    ),
    edit(count, ruleAt) {
      const chain = random.pick(
        others ? (['INPUT', 'INPUT', 'run'] as const) : (['INPUT', 'run', 'run'] as const),
      )
      const length = count(chain)
      const isOfRun = random.chance(others ? 0.4 : 0.95)
      const rule = (isOfRun ? ruleOf(chain) : other(chain)).split(' ')
      const anywhere = 1 + random.below(Math.max(1, length))
      const ends = [1, 2, 3, length - 1, length].filter(end => end >= 1 && end <= length)
      const number =
        others === 'around' && ends.length > 0 && random.chance(0.8) ? random.pick(ends) : anywhere
      if (others === 'between' && put.length > 0 && random.chance(0.25))
        return put.splice(random.below(put.length), 1)[0] ?? []
      if (others === 'between' && !isOfRun && random.chance(0.8)) {
        put.push(['-D', chain, ...rule])
        return ['-I', chain, `${number}`, ...rule]
      }
      const verb = verbs[random.below(length === 0 ? 2 : 6)]
      const place = verb === 'insert' && random.chance(0.1) ? length + 1 : number
      return editWords(verb, { chain, number: place, rule, ruleAt })
    },
  }
}
