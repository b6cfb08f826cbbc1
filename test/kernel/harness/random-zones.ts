// Random rule sets with many chains of rules of all kinds, as firewalls between zones have them: more rules than code is made of, from some of which packets go on. All
// ask for values of small ranges, so that they overlap.

import type { Family } from 'iptables-parser'
import { type Random, seeded } from './random.ts'

export interface RandomZonesOptions {
  readonly seed: number
  readonly family: Family
  readonly zones: number
  /** Rules of each. */
  readonly rules: number
  /** For hooks that see what comes in before anything is known of its connection. */
  readonly ingress?: boolean
  /** Of rules that can all stand in trees in a map, from few of which packets go on: so the code of chains is alike. */
  readonly alike?: boolean
}

export interface SketchedZones {
  readonly rules: string
  readonly zones: readonly string[]
  /** What a rule of a zone says. */
  rule(): string
}

/** iptables-save text. */
export const randomZones = (options: RandomZonesOptions): string =>
  sketchZones(seeded(options.seed), options).rules

export function sketchZones(
  random: Random,
  { family, zones, rules, ingress = false, alike = false }: Omit<RandomZonesOptions, 'seed'>,
): SketchedZones {
  const names = Array.from({ length: zones }, (_, at) => `zone-${at}`)
  const rule = (): string => ruleOf(random, { family, ingress, alike })
  const calls = names.flatMap(name =>
    ['INPUT', 'FORWARD', ...(ingress ? [] : ['OUTPUT'])]
      .filter(base => base === 'INPUT' || random.chance(0.3))
      .map(
        base =>
          `-A ${base} ${random.pick(['', '-p tcp ', '-p udp ', `-s ${network(random, family)} `])}-j ${name}`,
      ),
  )
  return {
    rules: [
      '*filter',
      ':INPUT ACCEPT [0:0]',
      `:FORWARD ${random.pick(['ACCEPT', 'DROP'])} [0:0]`,
      ':OUTPUT ACCEPT [0:0]',
      ...names.map(name => `:${name} - [0:0]`),
      ':rest - [0:0]',
      ...calls,
      ...names.flatMap(name => [
        ...Array.from({ length: rules }, () => `-A ${name} ${rule()}`.trim()),
        ...(alike ? [`-A ${name} -j rest`] : []),
      ]),
      '-A rest -p tcp',
      '-A rest -p udp -j RETURN',
      'COMMIT\n',
    ].join('\n'),
    zones: names,
    rule,
  }
}

function network(random: Random, family: Family): string {
  const bits = random.pick([0, 0, 1, 3, 5])
  const value = (random.below(128) >> bits) << bits
  return family === 4 ? `198.51.100.${value}/${32 - bits}` : `2001:db8:7::${value.toString(16)}/${128 - bits}`
}

type RuleOptions = Required<Pick<RandomZonesOptions, 'family' | 'ingress' | 'alike'>>

/** Nearly all can be said as boxes; those with bits of flags cannot. */
function transport(random: Random, { ingress, alike }: RuleOptions): string {
  const [port, more] = [1000 + random.below(40), 1 + random.below(60)]
  return random.pick([
    '',
    '-p udp',
    `-p tcp -m tcp --dport ${port}`,
    `-p tcp -m tcp --dport ${port}:${port + more}`,
    `-p tcp -m multiport --dports 80,${port},${port + more}`,
    `-p udp -m udp --sport 4000 --dport ${port}`,
    ...(ingress ? [] : ['-m conntrack --ctstate NEW']),
    '-i eth0',
    ...(!alike && random.chance(0.3) ? ['-p tcp -m tcp --tcp-flags SYN,ACK SYN'] : []),
  ])
}

function ruleOf(random: Random, options: RuleOptions): string {
  const { family, alike } = options
  const source = random.chance(0.7) ? `-s ${network(random, family)}` : ''
  const destination = random.chance(0.7) || source === '' ? `-d ${network(random, family)}` : ''
  // packets are to come far
  const verdict = random.pick(['-j RETURN', '-j RETURN', '-j RETURN', '-j DROP', '-j ACCEPT'])
  const target = random.chance(alike ? 0.05 : 0.3) ? '' : verdict
  return [source, destination, transport(random, options), target].filter(word => word !== '').join(' ')
}
