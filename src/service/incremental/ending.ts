// Which rule of a chain every packet ends at in the program of a lane: early, one of which it is not known whether it matches is such. No packet comes to what is
// behind, so an edit need not read it.

import { endsAll } from '../../../translator/item.ts'
import { editedRules } from './items.ts'
import { kindOf } from './kind.ts'
import type { Lines } from './lines.ts'
import { calledIn } from './request.ts'
import type { ChainPlace, EditState } from './state.ts'

/** How rules begin that ask for no address, device or protocol, of which every hook knows: iptables-save prints these first. */
const beginnings = [' -m ', ' -j ', ' -g ']
/** And those that every packet matches where all is known, but for few. */
const plainBeginnings = [' -m comment ', ' -j ', ' -g ']
/** So many of each are looked at, and so many kinds of them are read. */
const [MOST_LOOKED_AT, MOST_READ] = [256, 32]

/** The first of them, by its number; undefined where none is found. */
export function endingIn(state: EditState, at: number, place: ChainPlace, lines: Lines): number | undefined {
  const isEarly = state.index.lanes[at]?.lane.early === true
  const numbers = (isEarly ? beginnings : plainBeginnings)
    .flatMap(start => lines.beginning(start, MOST_LOOKED_AT))
    .sort((a, b) => a - b)
  const isJump = (text: string): boolean =>
    / -j \S+$/.test(text) && state.chain({ ...place, chain: calledIn(text) ?? '' }) !== undefined
  return firstOfKinds(lines, numbers).find(number => {
    const text = lines.textOf(number)
    // of which packets go on that come back, unless it is not known whether they match
    return (isEarly || !isJump(text)) && ends(state, at, place, text)
  })
}

/** The first rule of each kind. */
function firstOfKinds(lines: Lines, numbers: readonly number[]): readonly number[] {
  const first = new Map<number, number>()
  for (const number of numbers) {
    const bytes = Buffer.from(lines.textOf(number))
    const kind = kindOf(bytes, 0, bytes.length)
    if (!first.has(kind)) first.set(kind, number)
    if (first.size === MOST_READ) break
  }
  return [...first.values()]
}

const ends = (state: EditState, at: number, place: ChainPlace, rule: string): boolean =>
  !rule.includes('\0') &&
  (editedRules(state, at, place, [{ rule, kind: 'insert' }]) ?? []).some(({ items }) => items.some(endsAll))
