// The benchmarks: `npm run bench`. See README.md here.

import { basename } from 'node:path'
import { contenders } from './contender/registry.ts'
import { writeHistory } from './history.ts'
import { measureLoading } from './loading.ts'
import { describeMachine, machine } from './machine.ts'
import { type Measurement, measure } from './measure.ts'
import { lacking } from './needs.ts'
import { type Options, readOptions, UsageError, usage } from './options.ts'
import { endQuietlyOnClosedPipe } from './pipe.ts'
import { progress } from './progress.ts'
import type { SeriesResult } from './result.ts'
import { workloadOf } from './series/file.ts'
import { series } from './series/registry.ts'
import { printSeries } from './table.ts'
import type { Workload } from './workload.ts'

function main(words: readonly string[]): number {
  try {
    const options = readOptions(words)
    if (!options) process.stdout.write(usage)
    return options ? bench(options) : 0
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`bench: ${error.message}\nhint: npm run bench -- --help\n`)
    return 2
  }
}

function bench(options: Options): number {
  const reason = lacking()
  if (reason !== undefined) {
    process.stderr.write(
      `bench: ${reason}\nIt makes network namespaces of its own and touches nothing else.\n`,
    )
    return 1
  }
  const about = machine()
  process.stdout.write(`${describeMachine(about)}\n\n`)
  const results = [
    ...options.series.flatMap(name => options.seeds.map(seed => runSeries(name, seed, options))),
    ...options.files.flatMap(path => runFile(path, options)),
  ]
  const run = { time: new Date().toISOString(), machine: about, seeds: options.seeds, series: results }
  for (const file of writeHistory(run)) process.stderr.write(`${file}\n`)
  return Number(process.exitCode ?? 0)
}

function runSeries(name: string, seed: number, options: Options): SeriesResult {
  const chosen = series[name]
  if (!chosen) throw new RangeError(`there is no series ${name}`)
  const { title, sizes, make } = chosen
  return show(
    options.seeds.length === 1 ? name : `${name}-${seed}`,
    options.seeds.length === 1 ? title : `${title}, seed ${seed}`,
    (options.rules ?? sizes).map(size => () => make(size, seed)),
    options,
  )
}

/** A file that is no rule set is said to be none, and the next one has its turn. */
function runFile(path: string, options: Options): SeriesResult[] {
  const workload = workloadOrSay(path, options.seeds[0])
  return workload ? [show(basename(path), path, [() => workload], options)] : []
}

function workloadOrSay(path: string, seed: number): Workload | undefined {
  try {
    return workloadOf(path, seed)
  } catch (error) {
    process.exitCode = 1
    process.stderr.write(`bench: ${path}: ${error instanceof Error ? error.message : error}\n`)
    return undefined
  }
}

/** Workloads are made when it is their turn: large ones take memory. */
function show(
  name: string,
  title: string,
  workloads: readonly (() => Workload)[],
  options: Options,
): SeriesResult {
  const chosen = options.contenders.flatMap(contender => contenders[contender] ?? [])
  const kinds = new Set<SeriesResult['kinds'][number]>()
  const sizes = workloads.map(make => {
    const workload = make()
    for (const { kind } of workload.traffic) kinds.add(kind)
    const before = (what: string): void => progress(`${name}, ${workload.rules} rules: ${what}`)
    const measurements = measureOrSay(workload, chosen, { before, namespaces: options.namespaces })
    return {
      rules: workload.rules,
      measurements,
      loading: options.loading ? measureLoading(workload, before) : [],
    }
  })
  progress('')
  const result = { name, title, kinds: [...kinds], sizes }
  process.stdout.write(`${printSeries(result)}\n`)
  return result
}

/** Where contenders do not do the same, no number means anything: that is said, and the next workload has its turn. */
function measureOrSay(...args: Parameters<typeof measure>): readonly Measurement[] {
  try {
    return measure(...args)
  } catch (error) {
    process.exitCode = 1
    const unfit = error instanceof Error ? error.message : String(error)
    return args[1].map(({ name }) => ({ contender: name, unfit, loadMilliseconds: 0, costs: [] }))
  }
}

endQuietlyOnClosedPipe()
process.exitCode = main(process.argv.slice(2))
