import type { Loading } from './loading.ts'
import type { Machine } from './machine.ts'
import type { Measurement } from './measure.ts'
import type { Workload } from './workload.ts'

/** What came of one workload. */
export interface SizeResult {
  readonly rules: number
  readonly measurements: readonly Measurement[]
  /** Whole commands from text to enforcing. */
  readonly loading: readonly Loading[]
}

/** What came of a series. */
export interface SeriesResult {
  readonly name: string
  readonly title: string
  readonly kinds: readonly Workload['traffic'][number]['kind'][]
  readonly sizes: readonly SizeResult[]
}

/** What came of a run; what the history holds. */
export interface RunResult {
  readonly time: string
  readonly machine: Machine
  readonly seeds: readonly number[]
  readonly series: readonly SeriesResult[]
}
