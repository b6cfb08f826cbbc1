// Tables of rules and what becomes of them, one file an extension:
//
//     :INPUT,FORWARD,OUTPUT        chains the cases below are tried in
//     *mangle                      their table (filter until said otherwise)
//     # text                       comment
//     % -N name                    a user chain the cases below may name
//     @ command                    a program the kernel needs run first; nothing to the parser
//     rule;=;OK                    accepted and printed as typed
//     rule;other;OK                accepted and printed so
//     rule;;FAIL                   refused
//
// `name.t` is tried in both families, or in the one the extension stands in; `name.4.t` and `name.6.t` in theirs.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Family, matchExtensions, type TableName, targetExtensions } from 'iptables-parser'
import { sharedFolder } from '../shared.ts'

/** One line of a table, in one chain and one family. */
export interface ExtensionCase {
  /** `match/tcp.t:12`. */
  readonly place: string
  readonly family: Family
  readonly table: TableName
  readonly chain: string
  readonly userChains: readonly string[]
  readonly rule: string
  /** As printed; undefined where the rule is refused. */
  readonly printed: string | undefined
}

export interface CaseFile {
  /** `match/tcp.t`, or the name alone for the files that iptables comes with. */
  readonly name: string
  /** What -m or -j would call it; undefined for files about no one extension. */
  readonly extension: string | undefined
  readonly cases: readonly ExtensionCase[]
  /** Programs to run in the namespace first. */
  readonly programs: readonly string[]
}

/** Seen from dist/test/rules. */
const root = new URL('../../../', import.meta.url)

/** Every .t file below fixtures/. */
export const fixtureFiles = (): readonly CaseFile[] =>
  ['match', 'target'].flatMap(folder =>
    tablesIn(new URL(`fixtures/${folder}/`, root)).map(url => {
      const [extension = '', family] = basename(url.pathname, '.t').split('.')
      const families = family === undefined ? familiesOf(extension) : [Number(family) as Family]
      return readCases(url, `${folder}/${basename(url.pathname)}`, extension, families)
    }),
  )

/** What iptables' own runner tries them with. */
const PREFIXES: Readonly<Record<string, readonly Family[]>> = { libxt: [4], libipt: [4], libip6t: [6] }

/** The tables of iptables' own tests, where a copy lies beside the working tree; else undefined. */
export function upstreamFiles(): readonly CaseFile[] | undefined {
  const folder = sharedFolder('iptables-t/')
  return folder && tablesIn(folder).map(readUpstream)
}

function readUpstream(url: URL): CaseFile {
  const name = basename(url.pathname)
  const [, prefix = '', extension] = /^(lib[a-z0-9]+)_(.*)\.t$/.exec(name) ?? []
  return readCases(url, name, extension === 'standard' ? undefined : extension, PREFIXES[prefix] ?? [4])
}

function tablesIn(folder: URL): URL[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .filter(name => name.endsWith('.t'))
    .sort()
    .map(name => new URL(name, folder))
}

export const hasExtension = (name: string): boolean =>
  Object.hasOwn(matchExtensions, name) || Object.hasOwn(targetExtensions, name)

const familiesOf = (extension: string): readonly Family[] => {
  const known = { ...matchExtensions, ...targetExtensions } as Readonly<
    Record<string, { readonly families?: readonly Family[] }>
  >
  return known[extension]?.families ?? [4, 6]
}

function readCases(
  url: URL,
  name: string,
  extension: string | undefined,
  families: readonly Family[],
): CaseFile {
  const cases: ExtensionCase[] = []
  const programs: string[] = []
  const userChains: string[] = []
  let table: TableName = 'filter'
  let chains: readonly string[] = []
  for (const [index, line] of readFileSync(fileURLToPath(url), 'utf8').split('\n').entries()) {
    const rest = line.slice(1).trim()
    if (line.trim() === '' || line.startsWith('#')) continue
    if (line.startsWith(':')) chains = rest.split(',')
    else if (line.startsWith('*')) table = rest as TableName
    else if (line.startsWith('@')) programs.push(rest)
    else if (line.startsWith('%')) userChains.push(...(/-N (\S+)/.exec(rest)?.slice(1) ?? []))
    else {
      const place = `${name}:${index + 1}`
      const said = { ...readCase(line, place), place, table, userChains: [...userChains] }
      for (const family of families) for (const chain of chains) cases.push({ ...said, family, chain })
    }
  }
  return { name, extension, cases, programs }
}

function readCase(line: string, place: string): Pick<ExtensionCase, 'rule' | 'printed'> {
  const [rule = '', printed, result] = line.split(';').map(part => part.trim())
  if (result !== 'OK' && result !== 'FAIL') throw new Error(`${place}: neither OK nor FAIL: ${line}`)
  if (result === 'FAIL') return { rule, printed: undefined }
  return { rule, printed: printed === '=' ? rule : printed }
}

/** The case as a rule file. */
export const ruleFile = ({ table, chain, userChains, rule }: ExtensionCase): string =>
  [`*${table}`, ...userChains.map(name => `:${name} - [0:0]`), `-A ${chain} ${rule}`, 'COMMIT', ''].join('\n')

/** The rule lines of iptables-save text. */
export const ruleLines = (text: string): readonly string[] =>
  text.split('\n').filter(line => line.startsWith('-A '))

/** What a case expects of `ruleLines`. */
export const expectedLines = ({ chain }: ExtensionCase, printed: string): readonly string[] => [
  `-A ${chain} ${printed}`.trimEnd(),
]
