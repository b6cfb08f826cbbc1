import { setInterval } from 'node:timers/promises'
import { counterKeys } from '../../translator/counter.ts'
import { type Live, readGenerationWord, requireLive } from '../service/live.ts'
import type { Settings } from '../service/settings.ts'
import { advance } from './advance.ts'
import type { KeyedCounters } from './history.ts'
import { type RuleHits, readHits } from './hits.ts'
import { keyHits } from './record.ts'

/** Yields each second the rules that were hit in it, and how often, until the signal is given. Follows the rules when they are changed. */
export async function* watchHits(
  settings: Settings,
  signal: AbortSignal,
): AsyncGenerator<readonly RuleHits[], void> {
  let live = requireLive(settings)
  let before = keyHits(readHits(settings, live))
  for await (const _ of seconds(signal)) {
    live = followChange(settings, live)
    const hits = readHits(settings, live)
    yield changesOf(hits, before)
    before = keyHits(hits)
  }
}

const followChange = (settings: Settings, live: Live): Live =>
  readGenerationWord(settings) === live.generation.number ? live : requireLive(settings)

/** What rules were hit since; those that were not there before are only met. */
const changesOf = (hits: readonly RuleHits[], before: KeyedCounters): RuleHits[] => {
  const keys = counterKeys(hits)
  return hits.flatMap((hit, index) => {
    const last = before.get(keys[index] ?? '')
    const { packets, bytes } = advance(last ?? hit, hit)
    return packets > 0n ? [{ ...hit, packets, bytes }] : []
  })
}

async function* seconds(signal: AbortSignal): AsyncGenerator<void, void> {
  try {
    for await (const _ of setInterval(1000, undefined, { signal })) yield
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
