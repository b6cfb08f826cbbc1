// How programs are swapped. What is attached to a hook is a fixed dispatcher, which tail-calls the program of the current
// generation. All programs of a type stand in one PROG_ARRAY, in two banks of lanes:
//
//     index = bank * LANES + lane          bank = generation & 1
//
// A new generation is written whole into the bank not in use; then one write of the generation word turns every hook over.

import { type Family, type Ruleset, tableOf } from 'iptables-parser'
import { needsConntrack } from './conntrack.ts'
import {
  hooksOfTable,
  isNetfilterHook,
  netfilterHooks,
  netfilterPlaces,
  type OwnTable,
} from './hook/place.ts'
import type { Hook, MapSpec, NetfilterHook, ProgramType } from './program.ts'

export const LANES = 32

export type Lane =
  | {
      readonly hook: 'xdp' | 'tc-ingress'
      readonly family?: undefined
      readonly leftovers?: undefined
      /** An object file's program: nothing stands behind it. */
      readonly standalone?: true
      readonly early?: undefined
    }
  | EarlyLane
  | {
      readonly hook: NetfilterHook
      readonly family: Family
      /** Only the packets that xdp or tc leave are judged (see hook/plain.ts). */
      readonly leftovers?: true
      readonly standalone?: undefined
      readonly early?: undefined
    }

/** The table that packets meet first, so far as programs run it: whose drops can be taken early. */
export type FirstTable = Extract<OwnTable, 'filter' | 'raw'>

/** Drops in front of the netfilter programs, and leaves them all else (see early.ts). */
export interface EarlyLane {
  readonly hook: 'xdp' | 'tc-ingress'
  readonly family?: undefined
  readonly leftovers?: undefined
  readonly standalone?: undefined
  readonly early: true
  /** Rules ask for connections, so a packet may only be dropped that belongs to none. */
  readonly conntrack: boolean
  /** Families with a raw table, which comes before all else: they have the drops of its PREROUTING taken early, the others those of INPUT. */
  readonly raw?: readonly Family[]
}

/** Lanes of a program array, 0 to LANES - 1; the families of a netfilter hook lie side by side. */
export function laneIndex({ hook, family }: Lane): number {
  return isNetfilterHook(hook) ? netfilterLane(hook) + (family === 6 ? 1 : 0) : 0
}

/** The lane of IPv4; that of IPv6 comes next. */
export const netfilterLane = (hook: NetfilterHook): number => 2 * netfilterHooks.indexOf(hook)

/** A lane's name, also that of its program's pin. */
export const laneName = ({ hook, family }: Lane): string =>
  family === undefined ? hook : `${hook}-ipv${family}`

/** What the kernel calls a lane's program. */
export const programName = ({ hook, family }: Lane): string =>
  isNetfilterHook(hook) ? `${netfilterPlaces[hook].name}_ipv${family}` : hook.replaceAll('-', '_')

export const programType = (hook: Hook): ProgramType =>
  hook === 'xdp' ? 'XDP' : hook === 'tc-ingress' || hook === 'tc-egress' ? 'SCHED_CLS' : 'NETFILTER'

const PROGRAM_ARRAY_NAMES: Readonly<Record<ProgramType, string>> = {
  XDP: 'xdp_programs',
  SCHED_CLS: 'tc_programs',
  NETFILTER: 'nf_programs',
}

/** The PROG_ARRAY that the dispatchers of a program type call through. */
export const programArray = (type: ProgramType): MapSpec => ({
  name: PROGRAM_ARRAY_NAMES[type],
  type: 'PROG_ARRAY',
  keySize: 4,
  valueSize: 4,
  maxEntries: 2 * LANES,
  flags: 0,
  shared: true,
})

/** One u64: the number of the generation in force. Its lowest bit is the bank. */
export const generationMap: MapSpec = {
  name: 'generation',
  type: 'ARRAY',
  keySize: 4,
  valueSize: 8,
  maxEntries: 1,
  flags: 0,
  shared: true,
}

/**
 * The lanes that run the base chains of these families' filter tables. xdp and tc take INPUT, with what they leave judged behind them;
 * FORWARD and OUTPUT are netfilter's always, since no policy may be accepted and then not enforced.
 */
export function lanesOf(hook: 'xdp' | 'tc' | 'netfilter', families: readonly Family[]): Lane[] {
  const all = (name: 'nf-input' | 'nf-forward' | 'nf-output'): Lane[] =>
    families.map(family => ({ hook: name, family }))
  const others = [...all('nf-forward'), ...all('nf-output')]
  if (hook === 'netfilter') return [...all('nf-input'), ...others]
  const leftovers = families.map((family): Lane => ({ hook: 'nf-input', family, leftovers: true }))
  return [{ hook: hook === 'xdp' ? 'xdp' : 'tc-ingress' }, ...leftovers, ...others]
}

/**
 * The lanes that run all tables of these rule sets that programs can be: the filter tables at a hook of choice, and the others, which
 * come before, always at netfilter.
 */
export function lanesFor(hook: 'xdp' | 'tc' | 'netfilter', rulesets: readonly Ruleset[]): Lane[] {
  const filtered = rulesets.filter(ruleset => tableOf(ruleset, 'filter')).map(({ family }) => family)
  return [...(filtered.length > 0 ? lanesOf(hook, filtered) : []), ...rulesets.flatMap(lanesBeforeFilter)]
}

const lanesBeforeFilter = ({ family, tables }: Ruleset): Lane[] =>
  tables
    .filter(({ name }) => name !== 'filter')
    .flatMap(({ name }) => hooksOfTable(name))
    .map(hook => ({ hook, family }))

/** The lane of a program that drops early what the first of these rule sets' tables would drop. */
export const earlyLane = (hook: 'xdp' | 'tc', rulesets: readonly Ruleset[]): EarlyLane => ({
  hook: hook === 'xdp' ? 'xdp' : 'tc-ingress',
  early: true,
  conntrack: needsConntrack(rulesets),
  raw: rulesets.filter(ruleset => tableOf(ruleset, 'raw')).map(({ family }) => family),
})

/** Whose drops the lane takes for a family. */
export const firstTable = ({ raw }: EarlyLane, family: Family): FirstTable =>
  raw?.includes(family) ? 'raw' : 'filter'

/** The lane of a program that is attached by itself, as an object file's is. */
export const standaloneLane = (hook: 'xdp' | 'tc'): Lane => ({
  hook: hook === 'xdp' ? 'xdp' : 'tc-ingress',
  standalone: true,
})
