import { iptablesName } from 'iptables-parser'
import type { RuleHits } from './hits.ts'

/** An array as the contract says. Counters have 64 bits and are written out in full, which JSON allows. */
export function printHitsJson(hits: readonly RuleHits[]): string {
  const lines = hits.map(({ family, table, chain, number, rule, packets, bytes }) => {
    const text = JSON.stringify({ family, table, chain, number, rule })
    return `${text.slice(0, -1)},"packets":${packets},"bytes":${bytes}}`
  })
  return `[\n${lines.join(',\n')}\n]\n`
}

/** A table for people. */
export function printHits(hits: readonly RuleHits[]): string {
  const families = new Set(hits.map(({ family }) => family))
  const rows = hits.map(({ family, packets, bytes, rule }) => [
    `${packets}`,
    `${bytes}`,
    families.size > 1 ? `${iptablesName(family)} ${rule}` : rule,
  ])
  return [['PACKETS', 'BYTES', 'RULE'], ...rows].map(row => printRow(row, rows)).join('')
}

function printRow(
  [packets = '', bytes = '', rule = '']: readonly string[],
  rows: readonly string[][],
): string {
  const width = (column: number, least: number): number =>
    rows.reduce((most, row) => Math.max(most, row[column]?.length ?? 0), least)
  return `${packets.padStart(width(0, 7))} ${bytes.padStart(width(1, 5))}  ${rule}\n`
}
