// Random rule sets: chains, and rules made of parts.

import { baseChains, type Family, type TableName } from 'iptables-parser'
import {
  address,
  type Feature,
  features,
  type Grammar,
  hasNoInput,
  hasNoOutput,
  not,
  sometimes,
} from './grammar.ts'
import type { Nat } from './nat.ts'
import { seeded } from './random.ts'
import { statePart } from './random-connection.ts'
import { other } from './random-match.ts'
import { protocolPart } from './random-protocol.ts'

export { type Feature, features }

export interface RandomRulesOptions {
  readonly seed: number
  readonly family: Family
  readonly features?: readonly Feature[]
  /** In all chains together; 40 by default. */
  readonly rules?: number
  /** filter unless given. */
  readonly table?: TableName
  /** Whose addresses rules may ask for too. */
  readonly nat?: Nat | undefined
}

const devices = ['eth0', 'eth1', 'ppp0', 'lo'] as const
const wildcards = ['eth+', 'ppp+', 'e+', '+'] as const
const device = (grammar: Grammar, option: '-i' | '-o'): string => {
  const { random, has } = grammar
  const pool = has('wildcard') && random.chance(0.4) ? wildcards : devices
  return ` ${not(grammar)}${option} ${random.pick(pool)}`
}

/** The base chains that have no input or no output device refuse to be asked for it. */
const interfaces = (grammar: Grammar, chain: string): string => {
  if (!grammar.has('interface')) return ''
  return [
    hasNoInput(chain) ? '' : sometimes(grammar, 0.3, () => device(grammar, '-i')),
    hasNoOutput(chain) ? '' : sometimes(grammar, 0.3, () => device(grammar, '-o')),
  ].join('')
}

const call = ({ random, has }: Grammar, chain: string): string =>
  ` ${has('goto') && random.chance(0.3) ? '-g' : '-j'} ${chain}`

/** Whether it asks little, so that many packets would end here. */
const isWide = (asked: string): boolean => (asked.match(/ --?[a-z]/g)?.length ?? 0) < 3

/** `later` are the user chains after this one: chains only ever call those, so that there are no loops. */
const target = (grammar: Grammar, asked: string, later: readonly string[]): string => {
  const { random, has } = grammar
  if (has('no-target') && random.chance(isWide(asked) ? 0.65 : 0.2)) return ''
  if (later.length > 0 && random.chance(0.25)) return call(grammar, random.pick(later))
  if (has('return') && random.chance(0.2)) return ' -j RETURN'
  return ` -j ${random.pick(['ACCEPT', 'ACCEPT', 'DROP'])}`
}

/** Now and then one thing alone, which many packets meet. */
const conditions = (grammar: Grammar, chain: string): string =>
  sometimes(grammar, 0.2, () => other(grammar, chain)) ||
  [
    sometimes(grammar, 0.4, () => address(grammar, '-s')),
    sometimes(grammar, 0.4, () => address(grammar, '-d')),
    interfaces(grammar, chain),
    protocolPart(grammar),
    statePart(grammar),
    sometimes(grammar, 0.35, () => other(grammar, chain)),
  ].join('')

/** A rule always asks something, or what comes after it would rarely be met. */
const rule = (grammar: Grammar, chain: string, later: readonly string[]): string => {
  const asked = conditions(grammar, chain) || address(grammar, '-s')
  return `-A ${chain}${asked}${target(grammar, asked, later)}`
}

/** Tables before the filter table let most pass, or nothing would get there. */
const policies = (table: TableName): readonly string[] =>
  table === 'filter'
    ? ['ACCEPT', 'ACCEPT', 'DROP']
    : ['ACCEPT', 'ACCEPT', 'ACCEPT', 'ACCEPT', 'ACCEPT', 'DROP']

/** A rule that calls a user chain from one before it, asking little. */
const callOf = (
  grammar: Grammar,
  bases: readonly string[],
  users: readonly string[],
  user: string,
): string => {
  const { random } = grammar
  const chain = random.pick([...bases, ...users.slice(0, users.indexOf(user))])
  const asked = sometimes(grammar, 0.7, () => address(grammar, random.pick(['-s', '-d'])))
  return `-A ${chain}${asked}${call(grammar, user)}`
}

const insert = ({ random }: Grammar, lines: readonly string[], line: string): readonly string[] =>
  lines.toSpliced(random.below(lines.length + 1), 0, line)

/** What only tracked connections have: left out of some rule sets, since tracking puts fragments together before rules see them. */
const tracked: readonly Feature[] = ['conntrack', 'state', 'connection', 'connmark']

/**
 * A random table as iptables-save text. Values come from small pools, so that rules overlap. The same
 * options make the same text.
 */
export const randomRules = ({
  seed,
  family,
  features: wanted = features,
  rules = 40,
  table = 'filter',
  nat,
}: RandomRulesOptions): string => {
  const random = seeded(seed)
  const left = nat === undefined && random.chance(0.5) ? tracked : []
  const grammar: Grammar = {
    random,
    family,
    nat,
    has: feature => wanted.includes(feature) && !left.includes(feature),
  }
  const users = grammar.has('chains')
    ? Array.from({ length: 1 + random.below(6) }, (_, index) => `user-${index}`).slice(0, rules)
    : []
  const own = Array.from({ length: rules - users.length }, () => {
    const chain = random.pick([...baseChains[table], ...users])
    return rule(grammar, chain, users.slice(users.indexOf(chain) + 1))
  })
  const lines = users
    .map(user => callOf(grammar, baseChains[table], users, user))
    .reduce((all, line) => insert(grammar, all, line), own as readonly string[])
  return [
    `*${table}`,
    ...baseChains[table].map(chain => `:${chain} ${random.pick(policies(table))} [0:0]`),
    ...users.map(chain => `:${chain} - [0:0]`),
    ...lines,
    'COMMIT',
    '',
  ].join('\n')
}
