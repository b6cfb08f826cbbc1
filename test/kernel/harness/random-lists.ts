// Random rule sets with many lists: chains of rules of one shape each, which packets go through one after the other. All ask for values of one small range, so what
// one list says of a packet is said of it by others too.

import type { Family } from 'iptables-parser'
import { type Random, seeded } from './random.ts'

export interface RandomListsOptions {
  readonly seed: number
  readonly family: Family
  readonly lists: number
  /** Rules of each, about. */
  readonly rules: number
  /** Behind chains that are called from several places, one by the other. */
  readonly deep?: boolean
}

/** What rules of a list ask, by a number. */
type Shape = (value: number) => string

const host = (family: Family, value: number): string =>
  family === 4 ? `198.51.100.${value & 255}/32` : `2001:db8:7::${value.toString(16)}/128`

/** Keys of all sizes: those of the last are too long to be shared. */
const shapesOf = (family: Family): readonly Shape[] => [
  value => `-s ${host(family, value)}`,
  value => `-d ${host(family, value)}`,
  value => `-p tcp -m tcp --dport ${1000 + value}`,
  value => `-p ${value & 1 ? 'tcp' : 'udp'} -m ${value & 1 ? 'tcp' : 'udp'} --dport ${1000 + (value >> 1)}`,
  value => `-s ${host(family, value & 15)} -d ${host(family, 64 + (value >> 4))}`,
  value =>
    `-s ${host(family, value & 7)} -d ${host(family, 64 + (value >> 3))} -p tcp -m tcp --sport 4000 --dport ${80 + (value & 1)}`,
  value =>
    `-s ${host(family, value)} -d ${host(family, 64)} -i eth0 -p udp -m udp --sport 4000 --dport ${value}`,
]

export interface SketchedLists {
  readonly rules: string
  readonly lists: readonly string[]
  /** A rule of the shape of a list, for any of the values. */
  ruleOf(list: string): string
}

/** iptables-save text. */
export const randomLists = (options: RandomListsOptions): string =>
  sketchLists(seeded(options.seed), options).rules

export function sketchLists(
  random: Random,
  { family, lists, rules, deep = false }: Omit<RandomListsOptions, 'seed'>,
): SketchedLists {
  const names = Array.from({ length: lists }, (_, at) => `list-${at}`)
  const shapes = new Map(names.map(name => [name, random.pick(shapesOf(family))]))
  // those who count, return or jump leave something for the lists behind
  const target = (): string => random.pick(['', '', '', '-j RETURN', '-j RETURN', '-j DROP', '-j ACCEPT'])
  const ruleOf = (list: string, value = random.below(2 * rules)): string =>
    `${shapes.get(list)?.(value)} ${target()}`.trim()
  const listed = names.flatMap(name =>
    Array.from({ length: rules + random.below(4) }, (_, value) => `-A ${name} ${ruleOf(name, value)}`),
  )
  const between = deep ? ['outer', 'inner'] : []
  const ways = ['-A INPUT -j outer', '-A FORWARD -j outer', '-A OUTPUT -j outer', '-A INPUT -p tcp -j outer']
  const further = ['-A outer -p tcp -j inner', '-A outer -p udp -j inner', '-A outer -j inner']
  const calls = (deep ? ['inner'] : ['INPUT', 'FORWARD']).flatMap(base =>
    names
      .filter(() => base !== 'FORWARD' || random.chance(0.5))
      .map(name => `-A ${base} ${random.pick(['', '', '-p tcp ', '-p udp '])}-j ${name}`),
  )
  return {
    rules: [
      '*filter',
      `:INPUT ${random.pick(['ACCEPT', 'DROP'])} [0:0]`,
      ':FORWARD ACCEPT [0:0]',
      ':OUTPUT ACCEPT [0:0]',
      ...[...between, ...names].map(name => `:${name} - [0:0]`),
      ...(deep ? [...ways, ...further] : []),
      ...calls,
      ...listed,
      'COMMIT\n',
    ].join('\n'),
    lists: names,
    ruleOf,
  }
}
