import test from 'ava'
import fc from 'fast-check'
import type { FieldName } from '../../translator/field.ts'
import { FieldSets } from '../../translator/field-sets.ts'
import { type IntervalSet, single } from '../../translator/tree/interval.ts'

const field = fc.constantFrom<FieldName[]>('saddr', 'daddr', 'protocol', 'sport', 'dport')
const step = fc.record({ field, value: fc.option(fc.nat(9), { nil: undefined }) })

test('it holds what a map would, in the same order, and never changes', t => {
  fc.assert(
    fc.property(fc.array(step), steps => {
      const map = new Map<FieldName, IntervalSet>()
      let sets = FieldSets.none
      for (const { field, value } of steps) {
        const before = [...sets]
        const after = value === undefined ? sets.without(field) : sets.with(field, single(value))
        t.deepEqual([...sets], before)
        if (value === undefined) map.delete(field)
        else map.set(field, single(value))
        sets = after
      }
      t.deepEqual([...sets], [...map])
      t.deepEqual([...sets.keys()], [...map.keys()])
      t.deepEqual([...sets.values()], [...map.values()])
      t.is(sets.size, map.size)
      for (const name of map.keys()) t.deepEqual(sets.get(name), map.get(name))
      t.is(sets.has('saddr'), map.has('saddr'))
      t.deepEqual([...FieldSets.of(map)], [...map])
    }),
  )
  t.deepEqual([...FieldSets.none], [])
})
