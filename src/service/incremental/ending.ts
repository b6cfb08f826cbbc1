// Which rule of a chain every packet ends at in the program of a lane: early, one of which it is not known whether it matches is such. No packet comes to what is
// behind, so an edit need not read it.

import { endsAll } from '../../../translator/item.ts'
import { editedRules } from './items.ts'
import { kindOf } from './kind.ts'
import type { Lines } from './lines.ts'
import type { ChainPlace, EditState } from './state.ts'

/** Of so many kinds of rules that may be such, the first of each is read. */
const MOST_KINDS = 32

/** The first of them, by its number; none where none is found. */
export function endingIn(state: EditState, at: number, place: ChainPlace, lines: Lines): number | undefined {
  return firstOfKinds(lines).find(number => ends(state, at, place, lines.textOf(number)))
}

const ends = (state: EditState, at: number, place: ChainPlace, rule: string): boolean =>
  !rule.includes('\0') &&
  (editedRules(state, at, place, [{ rule, kind: 'insert' }]) ?? []).some(({ items }) => items.some(endsAll))

/** The first rule of each kind, of those that do not begin with what most do. */
function firstOfKinds(lines: Lines): readonly number[] {
  const first = new Map<number, number>()
  lines.visit(1, lines.count, (number, _, bytes, from, end) => {
    if (narrows(bytes, from, end) || first.size >= MOST_KINDS) return
    const kind = kindOf(bytes, from, end)
    if (!first.has(kind)) first.set(kind, number)
  })
  return [...first.values()]
}

/** Whether a rule, as iptables-save prints it, asks for an address, a device or a protocol, which every hook knows: these come first. */
function narrows(bytes: Uint8Array, from: number, end: number): boolean {
  const at = bytes[from + 1] === NOT ? from + 3 : from + 1
  return at + 2 < end && bytes[at] === DASH && bytes[at + 2] === SPACE && headers.has(bytes[at + 1] ?? 0)
}

const [SPACE, DASH, NOT] = [...' -!'].map(letter => letter.charCodeAt(0))
const headers: ReadonlySet<number> = new Set([...'sdpio'].map(letter => letter.charCodeAt(0)))
