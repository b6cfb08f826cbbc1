import { compare } from '../kernel/harness/compare.ts'
import { type Experiment, observe } from '../kernel/harness/differential.ts'
import { direct } from '../kernel/harness/direct.ts'
import { type Firewall, legacy } from '../kernel/harness/firewall.ts'
import { experimentOf, explain, type Trial } from '../kernel/harness/trial.ts'
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

/** What iptables-legacy does; the hooks of a seed have experiments in common, and it is asked once for each. */
const oracle = () => {
  const known = new Map<string, Promise<readonly string[]>>()
  return (experiment: Experiment): Promise<readonly string[]> => {
    const expected = known.get(experiment.rules) ?? observe(legacy, experiment)
    known.set(experiment.rules, expected)
    return expected
  }
}

/** A program that cannot be loaded is a difference too. */
const differenceOf = async (
  firewall: Firewall,
  experiment: Experiment,
  expected: readonly string[],
): Promise<string | undefined> => {
  try {
    if (compare(expected, await observe(firewall, experiment)).length === 0) return undefined
    return (await explain(firewall, experiment)) ?? 'a difference that did not come again'
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n${experiment.rules}`
  }
}

/** The trials of one seed, one after another. */
export async function* trialsOf(seed: number, options: CampaignOptions): AsyncGenerator<Tried> {
  for (const family of options.families) {
    const expectedOf = oracle()
    for (const hook of options.hooks) {
      const experiment = experimentOf({ hook, family, seed, tables: options.tables })
      const expected = await expectedOf(experiment)
      for (const strategies of options.strategies) {
        const start = performance.now()
        const difference = await differenceOf(direct(hook, strategies), experiment, expected)
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
