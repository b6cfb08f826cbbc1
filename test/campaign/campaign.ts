import { compareOutcomes, type Experiment, observe } from '../kernel/harness/differential.ts'
import { direct } from '../kernel/harness/direct.ts'
import { type Firewall, legacy } from '../kernel/harness/firewall.ts'
import { experimentOf, explain, questionOf, type Trial } from '../kernel/harness/trial.ts'
import type { CampaignOptions } from './options.ts'

/** A trial made: one rule set and its packets under one firewall. */
export interface Tried {
  readonly hook: Trial['hook']
  readonly family: Trial['family']
  readonly seed: number
  readonly strategies: CampaignOptions['strategies'][number]
  readonly tables: CampaignOptions['tables']
  readonly rules: number
  /** Rules, policies left out, that some packet met. */
  readonly hit: number
  readonly packets: number
  readonly milliseconds: number
  /** What differed, or went wrong; left out where nothing did. */
  readonly difference?: string
}

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

/** Whether what a firewall makes of an experiment is what is expected; a program that cannot be loaded is not. */
const isExpected = async (firewall: Firewall, { experiment, expected }: Expectation): Promise<boolean> => {
  try {
    return compareOutcomes(firewall, experiment, expected, await observe(firewall, experiment)).length === 0
  } catch {
    return false
  }
}

const differenceOf = async (firewall: Firewall, expectation: Expectation): Promise<string | undefined> =>
  (await isExpected(firewall, expectation))
    ? undefined
    : ((await explain(firewall, expectation.experiment)) ?? 'a difference that did not come again')

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
        const difference = await differenceOf(direct(hook, strategies), expectation)
        yield {
          hook,
          family,
          seed,
          strategies,
          tables: options.tables,
          rules: countRules(experiment.rules),
          hit: countHit(expected),
          packets: experiment.probes.length,
          milliseconds: Math.round(performance.now() - start),
          ...(difference === undefined ? {} : { difference }),
        }
      }
    }
  }
}
