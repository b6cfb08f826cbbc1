// Takers found by where they lie, against a walk along all of them.

import test from 'ava'
import fc from 'fast-check'
import { FieldSets } from '../../translator/field-sets.ts'
import type { Item } from '../../translator/item.ts'
import { Takers } from '../../translator/taker.ts'
import { inclusive } from '../../translator/tree/interval.ts'

/** Many ports, so that some boxes reach over few cells and others over many. */
const PORTS = 6000

const range = fc
  .tuple(fc.nat(PORTS), fc.oneof(fc.nat(3), fc.nat(PORTS)))
  .map(([low, length]) => inclusive(low, low + length))

const items: fc.Arbitrary<readonly Item[]> = fc
  .array(fc.record({ sport: range, dport: range }, { requiredKeys: [] }), { minLength: 1, maxLength: 30 })
  .map(all =>
    all.map(({ sport, dport }, rule): Item => {
      const asked = sport ? FieldSets.none.with('sport', sport) : FieldSets.none
      const sets = dport ? asked.with('dport', dport) : asked
      return { rule, sets, rest: [], outcome: { kind: 'accept' } }
    }),
  )

/** Rules for one port each, which make the cells small. */
const fillers = Array.from(
  { length: PORTS },
  (_, port): Item => ({
    rule: port,
    sets: FieldSets.none.with('dport', inclusive(2 * port, 2 * port)),
    rest: [],
    outcome: { kind: 'accept' },
  }),
)

const haveCommon = (one: Item, other: Item): boolean =>
  (['sport', 'dport'] as const).every(field => {
    const [a, b] = [one.sets.get(field)?.[0], other.sets.get(field)?.[0]]
    return !a || !b || (a.low < b.end && b.low < a.end)
  })

test('those near an item are all that have packets in common with it, in order', t => {
  fc.assert(
    fc.property(items, all => {
      const takers = new Takers([...fillers, ...all], 4)
      for (const [index, item] of all.entries()) {
        const found = takers.near(item).map(({ number }) => number)
        const before = all.slice(0, index).flatMap((other, at) => (haveCommon(item, other) ? [at + 1] : []))
        t.deepEqual(found, before)
        takers.add(item, index + 1)
      }
    }),
    { numRuns: 30 },
  )
})
