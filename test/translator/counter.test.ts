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
} from '../../translator/counter.ts'

const keys = fc.uniqueArray(fc.nat(60).map(String), { maxLength: 60 })

const slotsOf = ({ slots }: CounterLayout): readonly number[] => [...slots.values()]

test('over any edits a rule keeps its slot, and no two share one', t => {
  fc.assert(
    fc.property(fc.array(keys, { minLength: 1, maxLength: 8 }), edits => {
      let before: CounterLayout | undefined
      for (const edit of edits) {
        const layout = assignSlots(edit, before)
        t.deepEqual([...layout.slots.keys()].sort(), [...edit].sort())
        t.is(new Set(slotsOf(layout)).size, edit.length)
        for (const [key, slot] of before?.slots ?? [])
          if (edit.includes(key)) t.is(layout.slots.get(key), slot)
          else t.false(slotsOf(layout).includes(slot), 'a packet may still count there')
        for (const slot of slotsOf(layout)) t.notThrows(() => counterPlace(layout, slot))
        t.deepEqual(layout.arrays.slice(0, before?.arrays.length ?? 0), before?.arrays ?? [])
        before = layout
      }
    }),
  )
})

test('a slot that one generation has left is given away again by the next but one', t => {
  const first = assignSlots(['a', 'b'])
  const second = assignSlots(['b', 'c'], first)
  const third = assignSlots(['b', 'c', 'd'], second)
  t.is(second.slots.get('c'), 2)
  t.is(third.slots.get('d'), first.slots.get('a'))
})

test('the same keys get the same slots', t => {
  const keys = Array.from({ length: 100 }, (_, index) => `${index}`)
  t.deepEqual(assignSlots(keys), assignSlots(keys))
})

test('arrays are added as slots are needed, and every slot has a place of its own', t => {
  const keys = (count: number) => Array.from({ length: count }, (_, index) => `${index}`)
  let layout = assignSlots(keys(1))
  for (const count of [1024, 1025, 5000, 100_000]) {
    layout = assignSlots(keys(count), layout)
    const places = slotsOf(layout).map(slot => counterPlace(layout, slot))
    t.is(new Set(places.map(({ array, index }) => `${array.name} ${index}`)).size, count)
    t.true(places.every(({ array, index }) => index < array.entries))
  }
  t.true(layout.arrays.length > 1)
  t.throws(() => counterPlace(layout, 1 << 24), { instanceOf: RangeError })
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
