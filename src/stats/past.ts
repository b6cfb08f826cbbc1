// Questions to the history about the rules in force.

import { type Counters, noCounters } from 'iptables-parser'
import { counterKeys } from '../../translator/counter.ts'
import type { Settings } from '../service/settings.ts'
import { advance, difference, equal, sum } from './advance.ts'
import { readDatabase } from './database.ts'
import { firstReading, type RuleHistory, readingAt, readRules, totalsAt } from './history.ts'
import type { RuleHits } from './hits.ts'

/** A rule and a time in milliseconds since 1970: since then it was hit so often, or it was not hit. */
export interface TimedHits extends RuleHits {
  readonly since: number
}

export interface HitsSince {
  readonly hits: readonly TimedHits[]
  /** When the reading was taken that hits are counted from. */
  readonly since: number
  /** That was at or before the time asked for. */
  readonly reachesBack: boolean
}

/** Hits since the last reading at or before a time; since the first of all where the history does not reach back that far. */
export const hitsSince = (settings: Settings, hits: readonly RuleHits[], time: number): HitsSince =>
  readDatabase(settings, database => {
    const at = readingAt(database, time)
    const reading = at ?? firstReading(database)
    const before = totalsAt(database, reading)
    const known = readRules(database)
    const keys = counterKeys(hits)
    const timed = hits.map((hit, index) => {
      const key = keys[index] ?? ''
      const total = totalNow(known.get(key), hit)
      return { ...hit, ...difference(total, before.get(key) ?? noCounters), since: reading.time }
    })
    return { hits: timed, since: reading.time, reachesBack: at !== undefined }
  })

const totalNow = (known: RuleHistory | undefined, now: Counters): Counters =>
  known ? sum(known.total, advance(known.last, now)) : now

export interface Unused {
  /** Not hit for as long as was asked. */
  readonly unused: readonly TimedHits[]
  /** Not hit as far as is known either, but that is not as long. */
  readonly young: readonly TimedHits[]
}

/** Which rules were not hit from some time on, in milliseconds since 1970. */
export const unusedSince = (settings: Settings, hits: readonly RuleHits[], time: number): Unused =>
  readDatabase(settings, database => {
    const known = readRules(database)
    const keys = counterKeys(hits)
    const idle = hits.flatMap((hit, index) => {
      const history = known.get(keys[index] ?? '')
      if (!history || !equal(totalNow(history, hit), history.total)) return []
      return [{ ...hit, since: history.changed, hit: history.hit }]
    })
    return {
      unused: idle.filter(({ since }) => since <= time),
      young: idle.filter(({ since, hit }) => since > time && !hit),
    }
  })
