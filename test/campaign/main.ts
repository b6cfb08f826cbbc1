// `npm run differential -- --seeds FROM-TO …`: the differential test over many seeds, with progress and a log that can be cited, or
// with --coverage what it tries.
// The exit status is 1 where something differed. docs/differential.md says what is sent.

import { appendFileSync } from 'node:fs'
import { experimentOf } from '../kernel/harness/trial.ts'
import { type Tried, trialsOf } from './campaign.ts'
import { addCoverage, type Coverage, coverageOf, noCoverage, printCoverage } from './coverage.ts'
import { type CampaignOptions, readOptions, UsageError, usage } from './options.ts'

/** Seconds between two lines of progress. */
const PACE = 30

const totals = { trials: 0, rules: 0, hit: 0, packets: 0, differences: 0 }

const count = ({ rules, hit, packets, difference }: Tried): void => {
  totals.trials++
  totals.rules += rules
  totals.hit += hit
  totals.packets += packets
  if (difference !== undefined) totals.differences++
}

const show = ({ hook, family, seed, strategies, difference }: Tried): void => {
  if (difference === undefined) return
  const how = Object.keys(strategies).length === 0 ? '' : ` with ${JSON.stringify(strategies)}`
  process.stdout.write(`seed ${seed}, IPv${family} at ${hook}${how}:\n${difference}\n`)
}

const summary = (): string =>
  `${totals.trials} rule sets (${totals.rules} rules, ${totals.hit} met), ${totals.packets} packets: ${totals.differences} differences`

/** Of the experiments of all seeds, families and hooks. */
const cover = async ({ first, last, families, hooks, tables }: CampaignOptions): Promise<Coverage> => {
  let coverage = noCoverage
  for (let seed = first; seed <= last; seed++)
    for (const family of families)
      for (const hook of hooks)
        coverage = addCoverage(coverage, await coverageOf(experimentOf({ hook, family, seed, tables })))
  return coverage
}

const run = async (options: CampaignOptions): Promise<void> => {
  let shown = performance.now()
  for (let seed = options.first; seed <= options.last; seed++) {
    for await (const tried of trialsOf(seed, options)) {
      count(tried)
      show(tried)
      if (options.log !== undefined) appendFileSync(options.log, `${JSON.stringify(tried)}\n`)
    }
    if (performance.now() - shown < 1000 * PACE) continue
    shown = performance.now()
    process.stderr.write(`seed ${seed}: ${summary()}\n`)
  }
}

try {
  const options = readOptions(process.argv.slice(2))
  if (options.coverage) process.stdout.write(printCoverage(await cover(options)))
  else {
    await run(options)
    process.stdout.write(`seeds ${options.first} to ${options.last}: ${summary()}\n`)
  }
  process.exitCode = totals.differences > 0 ? 1 : 0
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n${usage}\n`)
  process.exitCode = 2
}
