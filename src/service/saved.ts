import { readCurrent } from './generation.ts'
import { loadGeneration } from './live.ts'
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
