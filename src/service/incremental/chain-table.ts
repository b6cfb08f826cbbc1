// The chains of a family as columns: an index has thousands of them, and an edit asks for few.

import type { TableName } from 'iptables-parser'

/** A chain, and which lines of the family's rules are its own (lines.ts). */
export interface IndexedChain {
  /** Its number among all chains of the family, from 0. */
  readonly at: number
  readonly table: TableName
  readonly name: string
  readonly first: number
  readonly count: number
  /** Only of base chains. */
  readonly policy?: ChainPolicy
}

export interface ChainPolicy {
  readonly verdict: string
  readonly slot: number
}

/** Chains stand one after the other, and so do their lines. No name may have a newline in it. */
export interface ChainTable {
  /** Of each its table, a space and its name, a newline in front and behind. */
  readonly names: string
  /** Where these begin in `names`, and behind them where it ends. */
  readonly starts: Uint32Array
  /** The first line of each, and behind them how many lines there are. */
  readonly lines: Uint32Array
  /** Of base chains, by their number. */
  readonly policies: ReadonlyMap<number, ChainPolicy>
}

export function chainTable(chains: readonly Omit<IndexedChain, 'at' | 'first'>[]): ChainTable {
  const starts = new Uint32Array(chains.length + 1)
  const lines = new Uint32Array(chains.length + 1)
  const policies = new Map<number, ChainPolicy>()
  const names = ['\n']
  let [start, line] = [1, 0]
  for (let at = 0; at < chains.length; at++) {
    const { table, name, count, policy } = chains[at] as (typeof chains)[number]
    starts[at] = start
    lines[at] = line
    if (policy) policies.set(at, policy)
    const named = `${table} ${name}\n`
    names.push(named)
    start += named.length
    line += count
  }
  starts[chains.length] = start
  lines[chains.length] = line
  return { names: names.join(''), starts, lines, policies }
}

export function chainNamed(
  chains: ChainTable,
  { table, chain }: { readonly table: TableName; readonly chain: string },
): IndexedChain | undefined {
  const before = chain.includes('\n') ? -1 : chains.names.indexOf(`\n${table} ${chain}\n`)
  return before < 0 ? undefined : chainAt(chains, lastUpTo(chains.starts, before + 1))
}

export const chainOfLine = (chains: ChainTable, line: number): IndexedChain | undefined =>
  chainAt(chains, lastUpTo(chains.lines.subarray(0, -1), line))

export const baseChains = (chains: ChainTable): readonly IndexedChain[] =>
  [...chains.policies.keys()].flatMap(at => chainAt(chains, at) ?? [])

export const allChains = (chains: ChainTable): readonly IndexedChain[] =>
  Array.from(chains.lines.subarray(0, -1), (_, at) => chainAt(chains, at)).flatMap(chain => chain ?? [])

/** The table with other numbers of lines for some chains. */
export function withCounts(chains: ChainTable, counts: ReadonlyMap<number, number>): ChainTable {
  const lines = chains.lines.slice()
  for (const [at, count] of counts) {
    const more = count - ((chains.lines[at + 1] ?? 0) - (chains.lines[at] ?? 0))
    if (more !== 0)
      for (let next = at + 1; next < lines.length; next++) lines[next] = (lines[next] ?? 0) + more
  }
  return { ...chains, lines }
}

function chainAt({ names, starts, lines, policies }: ChainTable, at: number): IndexedChain | undefined {
  const [start, end] = [starts[at], starts[at + 1]]
  if (start === undefined || end === undefined) return undefined
  const space = names.indexOf(' ', start)
  const first = lines[at] ?? 0
  const policy = policies.get(at)
  return {
    at,
    table: names.slice(start, space) as TableName,
    name: names.slice(space + 1, end - 1),
    first,
    count: (lines[at + 1] ?? 0) - first,
    ...(policy && { policy }),
  }
}

/** The last of ascending numbers that is no more than this; of equal ones the last. */
function lastUpTo(numbers: Uint32Array, most: number): number {
  let [low, high] = [0, numbers.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((numbers[middle] ?? 0) <= most) low = middle
    else high = middle - 1
  }
  return low
}
