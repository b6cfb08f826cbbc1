import { createHash } from 'node:crypto'
import { VerifierError } from '../../src/kernel/verifier/error.ts'
import { formatDifferences } from '../kernel/harness/compare.ts'
import { compareOutcomes, type Experiment, observe } from '../kernel/harness/differential.ts'
import { direct } from '../kernel/harness/direct.ts'
import { type Firewall, legacy } from '../kernel/harness/firewall.ts'
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

/** How what a firewall makes of an experiment differs from what is expected. */
const differenceOf = async (
  firewall: Firewall,
  { experiment, expected }: Expectation,
): Promise<Pick<Tried, 'difference' | 'refused'>> => {
  try {
    const actual = await observe(firewall, experiment)
    const differences = compareOutcomes(firewall, experiment, expected, actual)
    if (differences.length === 0) return {}
    return { difference: await reduce(firewall, experiment, formatDifferences(differences)) }
  } catch (error) {
    const difference = await reduce(firewall, experiment, reasonOf(error))
    return { difference, ...(error instanceof VerifierError && { refused: true }) }
  }
}

/** The trials of one seed, one after another. */
export async function* trialsOf(seed: number, options: CampaignOptions): AsyncGenerator<Tried> {
  for (const family of options.families) {
    const expectationOf = expectations()
    for (const hook of options.hooks) {
      const trial = { hook, family, seed, tables: options.tables }
      const expectation = await expectationOf(trial)
      const { experiment, expected } = expectation
      for (const strategies of options.strategies) {
        const start = performance.now()
        const outcome = await differenceOf(direct(hook, strategies), expectation)
        yield {
          hook,
          family,
          seed,
          strategies,
          tables: options.tables,
          ruleset: digest(experiment.rules),
          rules: countRules(experiment.rules),
          hit: countHit(expected),
          packets: experiment.probes.length,
          milliseconds: Math.round(performance.now() - start),
          ...outcome,
        }
      }
    }
  }
}
