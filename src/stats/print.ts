import { iptablesName } from 'iptables-parser'
import type { RuleHits } from './hits.ts'
import type { TimedHits } from './past.ts'
import { printTime } from './time.ts'

/** An array as the contract says, and what is timed with its time in ISO 8601. Counters have 64 bits and are written out in full, which JSON allows. */
export function printHitsJson(hits: readonly (RuleHits | TimedHits)[]): string {
  const lines = hits.map(hit => {
    const { family, table, chain, number, rule, packets, bytes } = hit
    const text = JSON.stringify({ family, table, chain, number, rule })
    const since = 'since' in hit ? `,"since":"${new Date(hit.since).toISOString()}"` : ''
    return `${text.slice(0, -1)},"packets":${packets},"bytes":${bytes}${since}}`
  })
  return `[\n${lines.join(',\n')}\n]\n`
}

/** A table for people. */
export function printHits(hits: readonly RuleHits[]): string {
  const rows = rowsOf(hits)
  return [['PACKETS', 'BYTES', 'RULE'], ...rows].map(row => printRow(row, rows)).join('')
}

/** A table of rules that were not hit since some time. */
export function printUnused(hits: readonly TimedHits[]): string {
  const [head = '', ...lines] = printHits(hits).split(/(?<=\n)/)
  const timed = hits.map(({ since }, index) => `${printTime(since)}  ${lines[index]}`)
  return [`${'UNUSED SINCE'.padEnd(19)}  ${head}`, ...timed].join('')
}

function rowsOf(hits: readonly RuleHits[]): string[][] {
  const families = new Set(hits.map(({ family }) => family))
  return hits.map(({ family, packets, bytes, rule }) => [
    `${packets}`,
    `${bytes}`,
    families.size > 1 ? `${iptablesName(family)} ${rule}` : rule,
  ])
}

function printRow(
  [packets = '', bytes = '', rule = '']: readonly string[],
  rows: readonly string[][],
): string {
  const width = (column: number, least: number): number =>
    rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), least)
  return `${packets.padStart(width(0, 7))} ${bytes.padStart(width(1, 5))}  ${rule}\n`
}
