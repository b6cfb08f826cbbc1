import type { RuleHits } from './hits.ts'

/** Which hits to show; what is left out chooses all. */
export interface Selection {
  readonly chain?: string | undefined
  readonly table?: string | undefined
  /** Only so many, those with the most packets first. */
  readonly top?: number | undefined
}

/** Chooses hits, in the order of iptables-save unless the top is asked for. */
export function selectHits<T extends RuleHits>(
  hits: readonly T[],
  { chain, table, top }: Selection,
): readonly T[] {
  const chosen = hits.filter(
    hit => (chain === undefined || hit.chain === chain) && (table === undefined || hit.table === table),
  )
  return top === undefined ? chosen : [...chosen].sort(byPackets).slice(0, top)
}

const byPackets = (a: RuleHits, b: RuleHits): number =>
  a.packets === b.packets ? 0 : a.packets < b.packets ? 1 : -1
