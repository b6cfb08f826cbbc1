import { type Family, parseSave, type TableName } from 'iptables-parser'
import { aim } from './aim.ts'
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

/** What comes before routing judges only packets for the host's own addresses; in half of the trials it has many. */
const isOwned = ({ hook, seed }: Trial): boolean => hook !== 'netfilter' && seed % 2 === 0

/** The hooks whose experiments are the same have the same question. */
export const questionOf = (trial: Trial): string =>
  [isOwned(trial), ...featuresOf(trial.hook, trial.tables ?? ['filter'])].join()

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

/** What is wrong with a firewall, of which a program that the kernel does not take is a part. */
const faultOf = async (body: () => Promise<string | undefined>): Promise<string | undefined> => {
  try {
    return await body()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/**
 * What iptables-legacy and the firewall differ in, for as few of the rules as a bounded search finds; undefined where they agree. Packets are sent one by one, so
 * what programs decide comes again; what comes only once in three runs is the machine's: an answer of the host to itself that a loaded machine has not
 * delivered when counters are read.
 */
export const explain = async (firewall: Firewall, experiment: Experiment): Promise<string | undefined> => {
  const differs = async (text: string): Promise<boolean> =>
    (await faultOf(async () =>
      (await differ(firewall, { ...experiment, rules: text })).length > 0 ? 'a difference' : undefined,
    )) !== undefined
  if (!(await differs(experiment.rules))) return undefined
  if (!(await differs(experiment.rules)) && !(await differs(experiment.rules))) return undefined
  const rules = await minimise(experiment.rules, differs)
  const fault = await faultOf(() => disagreement(firewall, { ...experiment, rules }))
  return fault?.includes(rules) ? fault : `${fault ?? 'a difference that did not come again'}\n${rules}`
}
