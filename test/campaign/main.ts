// `npm run differential -- --seeds FROM-TO …`: the differential test over many seeds, with progress and a log that can be cited, or
// with --coverage what it tries; `--summary LOG…` sums logs up.
// The exit status is 1 where something differed. docs/differential.md says what is sent.

import { appendFileSync, readFileSync } from 'node:fs'
import { experimentOf } from '../kernel/harness/trial.ts'
import { type Tried, trialsOf } from './campaign.ts'
import { addCoverage, type Coverage, coverageOf, noCoverage, printCoverage } from './coverage.ts'
import { type CampaignOptions, readOptions, readSummary, UsageError, usage } from './options.ts'
import { summarise } from './summary.ts'

/** Seconds between two lines of progress. */
const PACE = 30

const show = ({ hook, family, seed, strategies, difference }: Tried): void => {
  if (difference === undefined) return
  const how = Object.keys(strategies).length === 0 ? '' : ` with ${JSON.stringify(strategies)}`
  process.stdout.write(`seed ${seed}, IPv${family} at ${hook}${how}:\n${difference}\n`)
}

const hasDifference = (trials: readonly Tried[]): boolean =>
  trials.some(({ difference }) => difference !== undefined)

/** Of the experiments of all seeds, families and hooks. */
const cover = async ({ first, last, families, hooks, tables }: CampaignOptions): Promise<Coverage> => {
  let coverage = noCoverage
  for (let seed = first; seed <= last; seed++)
    for (const family of families)
      for (const hook of hooks)
        coverage = addCoverage(coverage, await coverageOf(experimentOf({ hook, family, seed, tables })))
  return coverage
}

/** Makes the trials, telling of each as it is made. */
const run = async (options: CampaignOptions): Promise<readonly Tried[]> => {
  const trials: Tried[] = []
  let shown = performance.now()
  for (let seed = options.first; seed <= options.last; seed++) {
    for await (const tried of trialsOf(seed, options)) {
      trials.push(tried)
      show(tried)
      if (options.log !== undefined) appendFileSync(options.log, `${JSON.stringify(tried)}\n`)
    }
    if (performance.now() - shown < 1000 * PACE) continue
    shown = performance.now()
    const differing = trials.filter(({ difference }) => difference !== undefined).length
    process.stderr.write(`seed ${seed}: ${trials.length} trials, ${differing} that differ\n`)
  }
  return trials
}

const readLog = (path: string): readonly Tried[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Tried)

/** Prints what was asked for; whether nothing differed. */
const answer = async (words: readonly string[]): Promise<boolean> => {
  const logs = readSummary(words)
  const options = logs === undefined ? readOptions(words) : undefined
  if (options?.coverage) {
    process.stdout.write(printCoverage(await cover(options)))
    return true
  }
  const trials = options === undefined ? (logs ?? []).flatMap(readLog) : await run(options)
  process.stdout.write(`${summarise(trials)}\n`)
  return !hasDifference(trials)
}

try {
  process.exitCode = (await answer(process.argv.slice(2))) ? 0 : 1
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n${usage}\n`)
  process.exitCode = 2
}
