import { readCurrent } from './generation.ts'
import { loadGeneration } from './live.ts'
import type { Batch } from './passthrough/handover.ts'
import { type Handed, readKept } from './passthrough/kept.ts'
import type { Change } from './plan.ts'
import type { Settings } from './settings.ts'

/** What loads the rules again that were in force last; nothing where none were. */
export function savedChanges(settings: Settings): readonly Change[] {
  const number = readCurrent(settings)
  if (number === undefined) return []
  return loadGeneration(settings, number).rulesets.map(({ ruleset, text }) => ({
    ruleset,
    text,
    carry: { kind: 'text' },
    setCounters: false,
  }))
}

/** What puts the tables in force again that the kernel's own iptables had from us. */
export function savedBeside(settings: Settings): { batches: readonly Batch[]; handed: readonly Handed[] } {
  const kept = readKept(settings)
  const batches = ([4, 6] as const).flatMap((family): Batch[] => {
    const text = kept.flatMap(table => (table.family === family ? [table.text] : [])).join('')
    return text === '' ? [] : [{ family, words: [], text }]
  })
  return { batches, handed: kept }
}
