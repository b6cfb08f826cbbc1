// Packet and byte counters of the rules in force.

import { closeSync } from 'node:fs'
import { type Counters, noCounters } from 'iptables-parser'
import { type Counted, type CounterArray, countedRules, counterPlace } from '../../translator/counter.ts'
import { counterMap } from '../../translator/emit/count.ts'
import { type Counters as CounterValues, readCounters } from '../kernel/counter.ts'
import { openPinnedMap } from '../kernel/map.ts'
import { ServiceError } from '../service/error.ts'
import type { Live } from '../service/live.ts'
import { mapPin } from '../service/pins.ts'
import type { Settings } from '../service/settings.ts'

/** A rule, or a policy, and what it has counted. */
export interface RuleHits extends Counted, Counters {}

/** What each rule has counted, in the order of iptables-save; each counter array is read in bulk. */
export function readHits(settings: Settings, live: Live): RuleHits[] {
  const counters = readRulesetCounters(settings, live)
  return live.rulesets.flatMap(({ ruleset }, at) =>
    countedRules([ruleset]).map((counted, index) => ({
      ...counted,
      ...(counters[at]?.[index] ?? noCounters),
    })),
  )
}

/** The same without the rules: for each rule set what all in it that counts has counted. */
export function readRulesetCounters(settings: Settings, { rulesets, counterArrays }: Live): Counters[][] {
  const values = new Map(counterArrays.map(array => [array.name, readArray(settings, array)]))
  const layout = { arrays: counterArrays }
  return rulesets.map(({ slots }) =>
    slots.map(slot => {
      const place = counterPlace(layout, slot)
      const array = values.get(place.array.name)
      return { packets: array?.packets[place.index] ?? 0n, bytes: array?.bytes[place.index] ?? 0n }
    }),
  )
}

function readArray(settings: Settings, array: CounterArray): CounterValues {
  const path = mapPin(settings, array.name)
  const map = openPinnedMap(counterMap(array), path)
  if (!map)
    throw new ServiceError(
      'ERR_STATE',
      `the counters ${path} are missing`,
      'Load the rules again to count anew.',
    )
  try {
    return readCounters(map)
  } finally {
    closeSync(map.fd)
  }
}
