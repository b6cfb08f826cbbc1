// Rules of one chain at a time, in the forms iptables -L shows them.

import { type Family, type ListOptions, listTable, parseSave, type TableName } from 'iptables-parser'
import { because } from './difference.ts'
import type { CaseFile, ExtensionCase } from './extension-cases.ts'
import { differentFromLegacy, differentFromUpstream } from './known-differences.ts'

/** What a file wants accepted in one chain of one table. */
export interface ListBatch {
  /** `match/limit.t`. */
  readonly name: string
  readonly family: Family
  readonly table: TableName
  readonly chain: string
  readonly rules: readonly string[]
  /** As a rule file. */
  readonly text: string
}

/** Rules that iptables-legacy 1.8.9 lists otherwise than we do. */
const listedOtherwise = because(
  'an interval that nothing is measured over is not kept, but slows down the rate shown',
  {
    'match/hashlimit.t': {
      '-m hashlimit --hashlimit-upto 1/sec --hashlimit-name a --hashlimit-rate-interval 10':
        'limit: up to 6/min burst 5 htable-expire 1000',
    },
  },
)

/** Options of -L, and what we call them. */
export const listForms: readonly (readonly [string, Omit<ListOptions, 'family'>])[] = [
  ['-n', { numeric: true }],
  ['', {}],
  ['-v -n -x --line-numbers', { verbose: true, numeric: true, exact: true, lineNumbers: true }],
]

/** Each rule once a table and family, in the first chain it may stand in. */
export function listBatches({ name, cases }: CaseFile): readonly ListBatch[] {
  const different = [...differentFromLegacy, ...differentFromUpstream, ...listedOtherwise].filter(
    one => one.file === name,
  )
  const batches = new Map<string, ExtensionCase[]>()
  const seen = new Set<string>()
  for (const one of cases) {
    const { family, table, chain, rule } = one
    const key = `${family} ${table} ${rule}`
    const isDifferent = different.some(known => known.rule === rule)
    if (one.printed === undefined || isDifferent || seen.has(key)) continue
    seen.add(key)
    const place = `${family} ${table} ${chain}`
    batches.set(place, [...(batches.get(place) ?? []), one])
  }
  return [...batches.values()].map(batch => toBatch(name, batch))
}

function toBatch(name: string, batch: readonly ExtensionCase[]): ListBatch {
  const [{ family, table, chain, userChains } = missing()] = batch
  const rules = batch.map(({ rule }) => rule)
  const chains = userChains.map(one => `:${one} - [0:0]`)
  const lines = rules.map(rule => `-A ${chain} ${rule}`)
  const text = [`*${table}`, `:${chain} ACCEPT [0:0]`, ...chains, ...lines, 'COMMIT', ''].join('\n')
  return { name, family, table, chain, rules, text }
}

function missing(): never {
  throw new Error('a batch without cases')
}

/** What we show of the chain, in one of the forms. */
export function listBatch({ family, chain, text }: ListBatch, options: Omit<ListOptions, 'family'>): string {
  const [table] = parseSave(text, { family }).tables
  return table ? listTable(table, { family, ...options }, { chain }) : ''
}

/** The golden file of a table of ours. */
export const goldenPath = (name: string): string =>
  `fixtures/list/${name.replace('/', '-').replace(/\.t$/, '')}.txt`

/** Behind what the batch is. */
export const goldenEntry = ({ family, table }: ListBatch, form: string, listing: string): string =>
  `# ${family === 4 ? 'iptables' : 'ip6tables'} -t ${table} -L${form === '' ? '' : ` ${form}`}\n${listing}\n`

/** Two forms and one family are enough to see what an extension shows. */
export function goldenText(file: CaseFile, list: (batch: ListBatch, form: number) => string): string {
  const batches = listBatches(file)
  const [family] = batches.map(batch => batch.family)
  return [0, 1]
    .flatMap(form =>
      batches
        .filter(batch => batch.family === family)
        .map(batch => goldenEntry(batch, listForms[form]?.[0] ?? '', list(batch, form))),
    )
    .join('')
}
