// Results as text.

import type { Loading } from './loading.ts'
import type { Measurement, TrafficCost } from './measure.ts'
import { type Cost, compare } from './packet-time.ts'
import type { SeriesResult, SizeResult } from './result.ts'

const titles: Readonly<Record<TrafficCost['kind'], string>> = {
  last: 'the last rule matches',
  spread: 'rules from the first to the last match',
  random: 'random packets',
}

const whole = (number: number): string => Math.round(number).toLocaleString('en-US')

/** `median`, and `/ 99th percentile` where there was more than one packet. */
const cost = ({ median, p99 }: Cost, single: boolean): string =>
  single ? whole(median) : `${whole(median)} / ${whole(p99)}`

/** A table of a series, with a section for everything that was measured. */
export function printSeries(result: SeriesResult): string {
  const { title, kinds, sizes } = result
  const sections = kinds.flatMap(kind => [
    section(`ns per packet, ${titles[kind]}: whole receive path`, result, m => pathCell(m, kind)),
    section(`  of the same packet, so far apart in different namespaces`, result, m => apartCell(m, kind)),
    section(`  packets slower than with ${REFERENCE}, by at most so many ns`, result, (m, all) =>
      slowerCell(m, all, kind),
    ),
    section(`ns per packet, ${titles[kind]}: programs alone`, result, m => aloneCell(m, kind)),
  ])
  return [
    `${title}\n`,
    ...sections,
    section('ms to load', result, m => (m.loadMilliseconds === 0 ? '' : m.loadMilliseconds.toFixed(1))),
    loadingSection('ms from text to enforcing, whole command', result, ({ milliseconds }) => milliseconds),
    loadingSection('MiB of memory the command held', result, ({ kibibytes }) => (kibibytes ?? 0) / 1024),
    section('BPF instructions', result, ({ size }) => (size ? whole(size.instructions) : '')),
    section('kernel memory of programs and maps, KiB', result, ({ size }) =>
      size ? whole(size.memory / 1024) : '',
    ),
    unfitLines(sizes).join(''),
  ]
    .filter(text => text !== '')
    .join('\n')
}

const costOf = ({ costs }: Measurement, kind: TrafficCost['kind']): TrafficCost | undefined =>
  costs.find(each => each.kind === kind)

function pathCell(measurement: Measurement, kind: TrafficCost['kind']): string {
  const found = costOf(measurement, kind)
  return found ? cost(found.path, kind === 'last') : ''
}

const apartCell = (measurement: Measurement, kind: TrafficCost['kind']): string => {
  const found = costOf(measurement, kind)
  return found ? whole(found.path.apart) : ''
}

/** What the others must not be slower than. */
const REFERENCE = 'iptables-legacy'

/** Those that are slower in every namespace than in any of the reference's. */
function slowerCell(
  measurement: Measurement,
  all: readonly Measurement[],
  kind: TrafficCost['kind'],
): string {
  const reference = all.find(({ contender }) => contender === REFERENCE)
  const [own, other] = [costOf(measurement, kind), reference && costOf(reference, kind)]
  if (!own || !other || measurement === reference) return ''
  const { packets, slower, most } = compare(own.packets, other.packets)
  return slower === 0 ? `0 of ${packets}` : `${slower} of ${packets}, ${whole(most)}`
}

function aloneCell(measurement: Measurement, kind: TrafficCost['kind']): string {
  const { alone } = costOf(measurement, kind) ?? {}
  return alone ? cost(alone, kind === 'last') : ''
}

/** Rows of contenders, columns of sizes; a row without anything is left out. */
function section(
  title: string,
  { sizes }: SeriesResult,
  cellOf: (measurement: Measurement, all: readonly Measurement[]) => string,
): string {
  const rows = (sizes[0]?.measurements ?? [])
    .map(({ contender }) => [contender, ...sizes.map(size => cell(size, contender, cellOf))])
    .filter(([, ...cells]) => cells.some(text => text !== ''))
  if (rows.length === 0) return ''
  const heading = ['rules', ...sizes.map(({ rules }) => whole(rules))]
  return `${title}\n${alignRows([heading, ...rows])}`
}

function loadingSection(
  title: string,
  { sizes }: SeriesResult,
  numberOf: (loading: Loading) => number,
): string {
  const commands = [...new Set(sizes.flatMap(({ loading }) => loading.map(({ command }) => command)))]
  const rows = commands.map(command => [
    command,
    ...sizes.map(({ loading }) => {
      const found = loading.find(each => each.command === command)
      return found && numberOf(found) > 0 ? whole(numberOf(found)) : ''
    }),
  ])
  const heading = ['rules', ...sizes.map(({ rules }) => whole(rules))]
  return rows.length === 0 ? '' : `${title}\n${alignRows([heading, ...rows])}`
}

function cell(
  { measurements }: SizeResult,
  contender: string,
  cellOf: (of: Measurement, all: readonly Measurement[]) => string,
): string {
  const measurement = measurements.find(each => each.contender === contender)
  if (!measurement) return ''
  return measurement.unfit === undefined ? cellOf(measurement, measurements) : ''
}

/** The first column to the left, the others to the right. */
function alignRows(rows: readonly (readonly string[])[]): string {
  const width = (column: number): number => Math.max(...rows.map(row => row[column]?.length ?? 0))
  const lines = rows.map(([first = '', ...cells]) =>
    [first.padEnd(width(0)), ...cells.map((text, column) => text.padStart(width(column + 1) + 2))].join(''),
  )
  return lines.map(line => `  ${line.trimEnd()}\n`).join('')
}

function unfitLines(sizes: readonly SizeResult[]): string[] {
  const reasons = sizes.flatMap(({ rules, measurements }) =>
    measurements.flatMap(({ contender, unfit }) =>
      unfit === undefined ? [] : [`not measured: ${contender}, ${whole(rules)} rules: ${unfit}\n`],
    ),
  )
  return reasons
}
