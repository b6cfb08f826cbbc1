import { bpftables } from './command.ts'
import { type Counts, countKey } from './expected.ts'
import type { Stage } from './stage.ts'

/** One element of `bpftables stats --json`. */
export interface Hit {
  readonly family: number
  readonly chain: string
  readonly number: number
  readonly rule: string
  readonly packets: number
}

export async function readHits(stage: Stage): Promise<readonly Hit[]> {
  const { stdout } = await bpftables(['stats', '--json'], stage)
  return JSON.parse(stdout) as Hit[]
}

/** The rules and policies that did not count what they should have. */
export const disagreeing = (hits: readonly Hit[], counts: Counts): readonly Hit[] =>
  hits.filter(
    ({ family, chain, number, packets }) => packets !== (counts.get(countKey(family, chain, number)) ?? 0),
  )
