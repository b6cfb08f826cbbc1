// Where drops are taken early, in front of the netfilter programs that decide: what `auto` adds to them. It is never more than a help, so nothing here
// fails a load: what a kernel, a driver or another program at the hook does not allow is left out, and the reason is kept for `bpftables status`.
//
// XDP drops earliest, but a device that runs it merges no segments (GRO) any more, which halves what TCP brings to the host on one CPU. So tc, behind GRO,
// is the rule, and XDP is for rules that are there to turn away a lot: from LEAST_FOR_XDP rules on that drop for certain, as blacklists have, on
// devices whose driver runs it. Where no rule drops a packet for certain, a program would only cost.

import { readFileSync } from 'node:fs'
import type { Ruleset } from 'iptables-parser'
import { canDrop, certainDrops } from '../../translator/early.ts'
import { earlyLane, firstTable } from '../../translator/lane.ts'
import {
  buildLanes,
  type LaneProgram,
  type PlannedLanes,
  planLanes,
  type TranslateOptions,
} from '../../translator/translate.ts'

/** What was chosen for one device, and why. */
export interface EarlyChoice {
  readonly device: string
  readonly hook: 'xdp' | 'tc' | 'none'
  readonly reason: string
}

export interface Early {
  readonly choices: readonly EarlyChoice[]
  readonly programs: readonly LaneProgram[]
}

/** Hooks that were tried in vain, and what was said. */
export type Unavailable = Readonly<Partial<Record<'xdp' | 'tc', string>>>

/** Tables that have packets in hand before INPUT of the filter table has them. */
const BEFORE_INPUT: ReadonlySet<string> = new Set(['raw', 'mangle', 'nat'])

/** Where the rules count, and what is known of how they are used. */
type Rules = Pick<TranslateOptions, 'counters' | 'strategies' | 'memory'>

export const noEarly: Early = { choices: [], programs: [] }

export const LEAST_FOR_XDP = 64

/** What there is besides our own rules. */
export interface Surroundings {
  readonly devices: readonly string[]
  /** Tables that the kernel's own iptables has. */
  readonly tables: readonly string[]
  readonly unavailable: Unavailable
}

/** Chooses for each device, and translates what is chosen. */
export function planEarly(
  rulesets: readonly Ruleset[],
  rules: Rules,
  { devices, tables, unavailable }: Surroundings,
): Early {
  if (devices.length === 0) return noEarly
  const lane = earlyLane('tc', rulesets)
  const isFiltered = ({ family }: Ruleset): boolean => firstTable(lane, family) === 'filter'
  const first = tables.find(table => BEFORE_INPUT.has(table))
  // what a raw table of ours drops is dropped before any of theirs
  if (first !== undefined && rulesets.every(isFiltered)) {
    const reason = `the ${first} table of the kernel's own iptables has packets before INPUT does`
    return { choices: devices.map(device => ({ device, hook: 'none', reason })), programs: [] }
  }
  const { hook, reason, planned } = choose(rulesets, rules, unavailable)
  const routed = rulesets.some(ruleset => ruleset.family === 4 && isFiltered(ruleset))
  const choices = devices.map(device => ({
    device,
    hook,
    reason: hook === 'none' || !routed ? reason : reason + idleness(device),
  }))
  return { choices, programs: planned ? buildLanes(planned).programs : [] }
}

/** What a program that drops early is worth. */
interface Worth {
  /** Whether it drops anything. */
  readonly drops: boolean
  /** How many rules drop for certain. */
  readonly certain: number
  /** The chains that they belong to. */
  readonly chains: string
}

/** Of the chains that packets meet first only those count that drop, where any does. */
function weigh(planned: PlannedLanes | undefined): Worth {
  const { lane, plans = [] } = planned?.lanes[0] ?? {}
  const dropping = plans.filter(({ plan, policy }) => canDrop(plan, policy.verdict))
  const met = dropping.length > 0 ? dropping : plans
  const names = met.map(({ family }) =>
    lane?.early && firstTable(lane, family) === 'raw' ? 'PREROUTING of raw' : 'INPUT',
  )
  return {
    drops: dropping.length > 0,
    certain: plans.reduce((sum, { plan }) => sum + certainDrops(plan), 0),
    chains: [...new Set(names)].join(' and ') || 'INPUT',
  }
}

/**
 * Whether rp_filter keeps IPv4 packets from being dropped early: only on a device that forwards can a program ask for the way back to their source. Programs
 * ask for the settings themselves, packet by packet; this is for people.
 */
function idleness(device: string): string {
  const filtered = ['all', device].some(name => readSetting(name, 'rp_filter') > 0)
  return filtered && readSetting(device, 'forwarding') === 0
    ? '; idle for IPv4 while net.ipv4.conf has rp_filter and the device does not forward'
    : ''
}

function readSetting(device: string, name: string): number {
  try {
    return Number(readFileSync(`/proc/sys/net/ipv4/conf/${device}/${name}`, 'utf8'))
  } catch {
    // the device is gone, or has no IPv4
    return 0
  }
}

interface Choice extends Omit<EarlyChoice, 'device'> {
  /** Its program, as far as it is made. */
  readonly planned?: PlannedLanes
}

function choose(rulesets: readonly Ruleset[], rules: Rules, unavailable: Unavailable): Choice {
  const { xdp, tc } = unavailable
  if (xdp === undefined && drop(rulesets, LEAST_FOR_XDP)) {
    const planned = planFor('xdp', rulesets, rules)
    const { certain, chains } = weigh(planned)
    const reason = `${certain} rules of ${chains} drop for certain, and the driver runs XDP`
    if (planned && certain >= LEAST_FOR_XDP) return { hook: 'xdp', reason, planned }
  }
  const planned = planFor('tc', rulesets, rules)
  const { drops, certain, chains } = weigh(planned)
  if (!drops || !planned)
    return { hook: 'none', reason: `no rule of ${chains} drops a packet for certain before netfilter` }
  const instead = xdp === undefined ? '' : `; not XDP: ${xdp}`
  if (tc !== undefined) return { hook: 'none', reason: `neither hook can be had: ${tc}${instead}` }
  const why =
    certain >= LEAST_FOR_XDP
      ? `${certain} rules of ${chains} drop for certain`
      : `rules of ${chains} drop for certain, but fewer than ${LEAST_FOR_XDP}: not worth turning off GRO for XDP`
  return { hook: 'tc', reason: `${why}${instead}`, planned }
}

/** Whether so many rules drop packets, certain or not. */
function drop(rulesets: readonly Ruleset[], least: number): boolean {
  let drops = 0
  for (const { tables } of rulesets)
    for (const { chains } of tables)
      for (const { rules } of chains)
        for (const { target } of rules) if (target?.kind === 'DROP' && ++drops >= least) return true
  return drops >= least
}

function planFor(hook: 'xdp' | 'tc', rulesets: readonly Ruleset[], rules: Rules): PlannedLanes | undefined {
  const planning = planLanes(rulesets, { ...rules, lanes: [earlyLane(hook, rulesets)] })
  return planning.kind === 'planned' ? planning : undefined
}

/** What is left to try after a failure that an early drop may be to blame for; undefined where there was none. */
export function afterFailure(
  { choices }: Early,
  unavailable: Unavailable,
  error: unknown,
): Unavailable | undefined {
  const tried = choices.map(({ hook }) => hook).find(hook => hook !== 'none')
  if (tried === undefined) return undefined
  return { ...unavailable, [tried]: error instanceof Error ? error.message : String(error) }
}
