import { type Family, parseSave, type TableName } from 'iptables-parser'
import { aim } from './aim.ts'
import { formatDifferences } from './compare.ts'
import { differ, disagreement, type Experiment } from './differential.ts'
import { type DirectHook, decidingHook } from './direct.ts'
import type { Firewall } from './firewall.ts'
import { minimise } from './minimise.ts'
import { natOf } from './nat.ts'
import { owned } from './owned.ts'
import { type Feature, randomRules } from './random-rules.ts'
import { decidable } from './translatable.ts'

/** A random rule set and packets, both drawn from the seed. */
export interface Trial {
  readonly hook: DirectHook
  readonly family: Family
  readonly seed: number
  /** filter alone unless given. */
  readonly tables?: readonly TableName[]
  /** Rules in all chains of all tables together. */
  readonly rules?: number
  /** Packets at most. */
  readonly packets?: number
  /** Left out or true: odd packets are among them. */
  readonly odd?: boolean
}

/** The harness marks packets in the kernel's own mangle table, so marks are asked for only where that is not tested. */
const featuresOf = (hook: DirectHook, tables: readonly TableName[]): readonly Feature[] =>
  decidable(decidingHook(hook)).filter(
    feature => !(tables.includes('mangle') && (feature === 'mark' || feature === 'connmark')),
  )

/** What comes before routing judges only packets for the host's own addresses; in half of the trials, at every hook, it has many. */
const isOwned = ({ seed }: Trial): boolean => seed % 2 === 0

/** The hooks whose experiments with a seed are the same have the same question. */
export const questionOf = ({ hook, tables = ['filter'] }: Trial): string => featuresOf(hook, tables).join()

/** The rules ask only what the hook can decide. */
export const experimentOf = (trial: Trial): Experiment => {
  const { hook, family, seed, tables = ['filter'], rules = 30, packets = 400, odd = true } = trial
  const nat = natOf(seed, family)
  const features = featuresOf(hook, tables)
  const each = Math.ceil(rules / tables.length)
  const text = tables
    .map((table, index) => randomRules({ seed: seed + index, family, features, rules: each, table, nat }))
    .join('')
  const experiment = { rules: text, ...aim(parseSave(text, { family }), { seed, limit: packets, nat, odd }) }
  return isOwned(trial) ? owned(experiment) : experiment
}

/** What an error says, of which a program that the kernel does not take is one. */
export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** How a firewall differs from iptables-legacy over an experiment, or why it cannot be tried; undefined where they agree. */
const faultOf = async (firewall: Firewall, experiment: Experiment): Promise<string | undefined> => {
  try {
    const differences = await differ(firewall, experiment)
    return differences.length === 0 ? undefined : formatDifferences(differences)
  } catch (error) {
    return reasonOf(error)
  }
}

/** A fault that was found, for as few of the rules as a bounded search finds it, and with the first packet that shows it. */
export const reduce = async (firewall: Firewall, experiment: Experiment, found: string): Promise<string> => {
  const rules = await minimise(
    experiment.rules,
    async text => (await faultOf(firewall, { ...experiment, rules: text })) !== undefined,
  )
  try {
    const shown = await disagreement(firewall, { ...experiment, rules })
    return shown ?? `${found}\nThis did not come again.\n${experiment.rules}`
  } catch (error) {
    return `${reasonOf(error)}\n${rules}`
  }
}

/**
 * What iptables-legacy and the firewall differ in, reduced; undefined where they agree. Nothing is tried again before it counts: the same packets are sent in the
 * same order, and counters are read when they and what the host answers have been through.
 */
export const explain = async (firewall: Firewall, experiment: Experiment): Promise<string | undefined> => {
  const found = await faultOf(firewall, experiment)
  return found === undefined ? undefined : reduce(firewall, experiment, found)
}
