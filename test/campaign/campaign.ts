import { createHash } from 'node:crypto'
import type { Family } from 'iptables-parser'
import { VerifierError } from '../../src/kernel/verifier/error.ts'
import { formatDifferences } from '../kernel/harness/compare.ts'
import { compareOutcomes, type Experiment, observe } from '../kernel/harness/differential.ts'
import { direct } from '../kernel/harness/direct.ts'
import { type Firewall, legacy } from '../kernel/harness/firewall.ts'
import { openStore, type ProgramStore } from '../kernel/harness/program-store.ts'
import { experimentOf, questionOf, reasonOf, reduce, type Trial } from '../kernel/harness/trial.ts'
import type { CampaignOptions } from './options.ts'

/** A trial made: one rule set and its packets under one firewall. */
export interface Tried {
  readonly hook: Trial['hook']
  readonly family: Trial['family']
  readonly seed: number
  readonly strategies: CampaignOptions['strategies'][number]
  readonly tables: CampaignOptions['tables']
  /** A digest of the rules: trials of one rule set have it in common. */
  readonly ruleset: string
  readonly rules: number
  /** Rules, policies left out, that some packet met. */
  readonly hit: number
  readonly packets: number
  readonly milliseconds: number
  /** What differed, or went wrong; left out where nothing did. */
  readonly difference?: string
  /** What went wrong is that the verifier refused a program. */
  readonly refused?: true
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)

const countRules = (text: string): number => text.match(/^-A /gm)?.length ?? 0

const countHit = (lines: readonly string[]): number =>
  lines.filter(line => /^\[[1-9]\d*:\d+\] -A /.test(line)).length

interface Expectation {
  readonly experiment: Experiment
  /** What iptables-legacy makes of it. */
  readonly expected: readonly string[]
}

/** Hooks of a seed have experiments in common: each is made, and iptables-legacy asked about it, once. */
const expectations = () => {
  const known = new Map<string, Expectation>()
  return async (trial: Trial): Promise<Expectation> => {
    const question = questionOf(trial)
    const before = known.get(question)
    if (before !== undefined) return before
    const experiment = experimentOf(trial)
    const expectation = { experiment, expected: await observe(legacy, experiment) }
    known.set(question, expectation)
    return expectation
  }
}

/** What went wrong, where anything did. */
type Fault = Pick<Tried, 'difference' | 'refused'>

/** How what a firewall makes of an experiment differs from what is expected. */
const faultOf = async (firewall: Firewall, { experiment, expected }: Expectation): Promise<Fault> => {
  try {
    const actual = await observe(firewall, experiment)
    const differences = compareOutcomes(firewall, experiment, expected, actual)
    return differences.length === 0 ? {} : { difference: formatDifferences(differences) }
  } catch (error) {
    return { difference: reasonOf(error), ...(error instanceof VerifierError && { refused: true }) }
  }
}

/** At which hooks, in which families, with which strategies and tables. */
type Choice = Pick<CampaignOptions, 'hooks' | 'families' | 'strategies' | 'tables'>
type Strategy = CampaignOptions['strategies'][number]

/** One trial; what went wrong is reduced with programs that no other trial has had. */
const attempt = async (
  trial: Trial,
  strategies: Strategy,
  expectation: Expectation,
  store: ProgramStore,
): Promise<Omit<Tried, 'tables' | 'milliseconds'>> => {
  const { hook, family, seed } = trial
  const { experiment, expected } = expectation
  const fault = await faultOf(direct(hook, strategies, store), expectation)
  return {
    hook,
    family,
    seed,
    strategies,
    ruleset: digest(experiment.rules),
    rules: countRules(experiment.rules),
    hit: countHit(expected),
    packets: experiment.probes.length,
    ...fault,
    ...(fault.difference !== undefined && {
      difference: await reduce(direct(hook, strategies), experiment, fault.difference),
    }),
  }
}

/** The trials of one seed in one family, one after another. */
async function* trialsIn(
  family: Family,
  seed: number,
  { hooks, strategies: choices, tables }: Choice,
): AsyncGenerator<Tried> {
  const expectationOf = expectations()
  const store = openStore()
  try {
    for (const hook of hooks) {
      const trial = { hook, family, seed, tables }
      const expectation = await expectationOf(trial)
      for (const strategies of choices) {
        const start = performance.now()
        const tried = await attempt(trial, strategies, expectation, store)
        yield { ...tried, tables, milliseconds: Math.round(performance.now() - start) }
      }
    }
  } finally {
    store.close()
  }
}

/** The trials of one seed. */
export async function* trialsOf(seed: number, choice: Choice): AsyncGenerator<Tried> {
  for (const family of choice.families) yield* trialsIn(family, seed, choice)
}
