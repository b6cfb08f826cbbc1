// What has changed in a run of rules whose blocks go on, in two parts: rules that are laid over them, with the rules of the run that they have packets in common
// with (translator/edit/overlay.ts), and rules that were put in between and have packets in common with so many that none of these is read (translator/edit/parted.ts).

import type { CounterArray } from '../../../translator/counter.ts'
import { type Between, canPart, MET_NONE, type Ranks } from '../../../translator/edit/parted.ts'
import { decides } from '../../../translator/item.ts'
import type { IndexedStretch } from './index-file.ts'
import type { EditedRule } from './items.ts'
import type { Lines } from './lines.ts'
import { reachOf } from './reach.ts'
import type { ChainPlace } from './state.ts'

export interface Parts {
  /** What is laid over. */
  readonly over: readonly EditedRule[]
  /** The numbers of the rules that are asked beside the blocks, in order. */
  readonly asked: readonly number[]
  readonly between?: Between
}

interface Run {
  readonly lines: Lines
  readonly changed: Pick<IndexedStretch, 'first' | 'last' | 'edited'>
  /** Those that were edited, in their order. */
  readonly rules: readonly EditedRule[]
  readonly place: ChainPlace
  readonly arrays: readonly CounterArray[]
  /** What the blocks find tells its rule by its slot. */
  readonly canPart: boolean
}

/** Fewer rules are read sooner than a packet goes through the blocks twice. */
export const MOST_READ = 64
/** In so many places rules may stand between others: each is code. */
const MOST_PLACES = 64

export function partsOf(run: Run): Parts {
  const met = run.rules.map((rule, index) => metBy(run, rule, index))
  const wide = met.filter(
    ({ there, numbers, rule }) => there && numbers.length > MOST_READ && canPart(rule.items),
  )
  const apart = new Set(run.canPart && wide.length <= MOST_PLACES ? wide : [])
  const own = [...apart].flatMap(({ there }) => there ?? []).sort((a, b) => a - b)
  const over = met.filter(one => !apart.has(one))
  const asked = [...new Set([...over.flatMap(({ numbers }) => numbers), ...own])].sort((a, b) => a - b)
  const between = own.length > 0 && { between: betweenOf(run, own, asked) }
  return { over: over.map(({ rule }) => rule), asked, ...between }
}

/** An edited rule, where it stands alone as it does in one place, and the rules that may match packets which it is about; those behind it where it decides have nothing left of them. */
function metBy({ lines, changed: { first, last, edited }, place }: Run, rule: EditedRule, index: number) {
  const found = lines.find(edited[index]?.rule ?? '', 2)
  const number = found.find(one => first <= one && one <= last)
  const ends = rule.items.every(item => decides(item) && item.rest.length === 0)
  const numbers = lines.meeting(first, (ends && number) || last, reachOf(rule.rule, place.family))
  const isPutIn = edited[index]?.kind === 'insert' && found.length === 1
  return { rule, numbers, there: isPutIn ? number : undefined }
}

/** Rules with none of the run between them stand in one place. */
function betweenOf(
  { lines, changed, arrays }: Run,
  own: readonly number[],
  asked: readonly number[],
): Between {
  const groups: number[][] = []
  for (const number of own) {
    const last = groups.at(-1)
    if (last?.at(-1) === number - 1) last.push(number)
    else groups.push([number])
  }
  return {
    ranks: ranksIn(
      lines,
      changed,
      groups.map(([number = 0]) => number),
      arrays,
    ),
    places: groups.map(group => group.map(number => asked.indexOf(number))),
  }
}

function ranksIn(
  lines: Lines,
  { first, last }: Run['changed'],
  places: readonly number[],
  arrays: readonly CounterArray[],
): Ranks {
  const slots = arrays.reduce((sum, { entries }) => sum + entries, 0)
  const ofSlots = new Uint8Array(slots).fill(MET_NONE)
  let rank = 0
  lines.visit(first, last, (number, slot) => {
    while (number > (places[rank] ?? Number.POSITIVE_INFINITY)) rank++
    ofSlots[slot] = rank
  })
  return { ofSlots, firstSlots: firstSlotsOf(arrays) }
}

/** The first slot of each counter array, by its name. */
function firstSlotsOf(arrays: readonly CounterArray[]): ReadonlyMap<string, number> {
  let slots = 0
  return new Map(
    arrays.map(({ name, entries }) => {
      slots += entries
      return [name, slots - entries]
    }),
  )
}
