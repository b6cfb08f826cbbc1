// Slots of counters: a rule keeps its own over any edit, and none is given to another while it may still be counted into.

import test from 'ava'
import fc from 'fast-check'
import { parseSave } from 'iptables-parser'
import {
  assignSlots,
  type CounterLayout,
  countedRules,
  counterKeys,
  counterPlace,
  newLayout,
} from '../../translator/counter.ts'

const keys = fc.uniqueArray(fc.nat(60).map(String), { maxLength: 60 })

/** A generation: what counts in it, and where. */
interface Generation {
  readonly keys: readonly string[]
  readonly layout: CounterLayout
}

/** The generation after another, in which the same key goes on counting where it did. */
function next(keys: readonly string[], before?: Generation): Generation {
  const carried = keys.map(key => before && slotOf(before, key))
  const taken = before?.layout.slots ?? []
  return { keys, layout: assignSlots(carried, { arrays: before?.layout.arrays ?? [], taken }) }
}

const slotOf = ({ keys, layout }: Generation, key: string): number | undefined =>
  layout.slots[keys.indexOf(key)]

test('over any edits a rule keeps its slot, and no two share one', t => {
  fc.assert(
    fc.property(fc.array(keys, { minLength: 1, maxLength: 8 }), edits => {
      let before: Generation | undefined
      for (const edit of edits) {
        const after = next(edit, before)
        const { slots, arrays } = after.layout
        t.is(slots.length, edit.length)
        t.is(new Set(slots).size, edit.length)
        for (const [index, slot] of (before?.layout.slots ?? []).entries()) {
          const key = before?.keys[index] ?? ''
          if (edit.includes(key)) t.is(slotOf(after, key), slot)
          else t.false(slots.includes(slot), 'a packet may still count there')
        }
        for (const slot of slots) t.notThrows(() => counterPlace(after.layout, slot))
        t.deepEqual(arrays.slice(0, before?.layout.arrays.length ?? 0), before?.layout.arrays ?? [])
        before = after
      }
    }),
  )
})

test('a slot that one generation has left is given away again by the next but one', t => {
  const first = next(['a', 'b'])
  const second = next(['b', 'c'], first)
  const third = next(['b', 'c', 'd'], second)
  t.is(slotOf(second, 'c'), 2)
  t.is(slotOf(third, 'd'), slotOf(first, 'a'))
})

test('arrays are added as slots are needed, and every slot has a place of its own', t => {
  const keys = (count: number) => Array.from({ length: count }, (_, index) => `${index}`)
  let generation = next(keys(1))
  for (const count of [1024, 1025, 5000]) {
    generation = next(keys(count), generation)
    const { layout } = generation
    const places = layout.slots.map(slot => counterPlace(layout, slot))
    t.is(new Set(places.map(({ array, index }) => `${array.name} ${index}`)).size, count)
    t.true(places.every(({ array, index }) => index < array.entries))
  }
  t.true(generation.layout.arrays.length > 1)
  t.throws(() => counterPlace(generation.layout, 1 << 24), { instanceOf: RangeError })
})

test('the layout of rule sets has a slot for each that counts in them', t => {
  const ruleset = parseSave(text, { family: 4 })
  const { slots } = newLayout([ruleset, ruleset])
  t.deepEqual(slots, [...Array(2 * countedRules([ruleset]).length).keys()])
})

const text = `*filter
:INPUT DROP [0:0]
:user - [0:0]
-A INPUT -p tcp -j user
-A INPUT -p tcp -j user
-A INPUT -p udp
-A user -p tcp
COMMIT
`

test('rules and policies count, in the order of iptables-save', t => {
  t.deepEqual(
    countedRules([parseSave(text, { family: 4 })]).map(
      ({ chain, number, rule }) => `${chain} ${number} ${rule}`,
    ),
    [
      'INPUT 0 :INPUT DROP',
      'INPUT 1 -A INPUT -p tcp -j user',
      'INPUT 2 -A INPUT -p tcp -j user',
      'INPUT 3 -A INPUT -p udp',
      'FORWARD 0 :FORWARD ACCEPT',
      'OUTPUT 0 :OUTPUT ACCEPT',
      'user 1 -A user -p tcp',
    ],
  )
})

test('a key is a rule, its family and which of the same it is; a policy keeps its own when its verdict changes', t => {
  const keysOf = (text: string, family: 4 | 6 = 4) => counterKeys(countedRules([parseSave(text, { family })]))
  const keys = keysOf(text)
  t.is(new Set(keys).size, keys.length)
  t.deepEqual(keysOf(text.replace('INPUT DROP', 'INPUT ACCEPT')), keys)
  t.deepEqual(
    keysOf(text.replace('-A INPUT -p udp\n', '')),
    keys.filter(key => !key.includes('udp')),
  )
  t.true(keysOf(text, 6).every(key => !keys.includes(key)))
})
