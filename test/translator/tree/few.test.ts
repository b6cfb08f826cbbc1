// A leaf made without a space is the leaf that a tree of the same items is.

import test from 'ava'
import fc from 'fast-check'
import { domain, type FieldName } from '../../../translator/field.ts'
import type { Item, Outcome } from '../../../translator/item.ts'
import type { MaskTest } from '../../../translator/test.ts'
import { buildTree } from '../../../translator/tree/build.ts'
import { leafOfFew } from '../../../translator/tree/few.ts'
import { inclusive, normalise } from '../../../translator/tree/interval.ts'

const FEW = 3
const fields = ['saddr', 'dport', 'protocol', 'tos', 'transport'] as const satisfies FieldName[]

/** Values at both ends of the field, and behind it. */
const set = (field: FieldName) => {
  const end = Number(domain(field, 4).end)
  const value = fc.oneof(
    { weight: 8, arbitrary: fc.nat(6) },
    { weight: 1, arbitrary: fc.integer({ min: end - 3, max: end + 1 }) },
  )
  return fc
    .array(fc.tuple(value, value), { minLength: 1, maxLength: 3 })
    .map(
      pairs =>
        [field, normalise(pairs.flatMap(([a, b]) => inclusive(Math.min(a, b), Math.max(a, b))))] as const,
    )
}

const mask: MaskTest = { kind: 'mask', field: 'tcp-flags', mask: 3, value: 1, negated: false }

const outcome = fc.constantFrom<Outcome>(
  { kind: 'accept' },
  { kind: 'continue' },
  { kind: 'jump', chain: 'user' },
  { kind: 'hotdrop' },
  { kind: 'past' },
)

const items = fc
  .array(
    fc.record({
      sets: fc.array(fc.oneof(...fields.map(set)), { maxLength: 3 }),
      rest: fc.constantFrom<readonly MaskTest[]>([], [], [mask]),
      outcome,
    }),
    { minLength: 1, maxLength: FEW },
  )
  .map(all => all.map(({ sets, ...other }, rule): Item => ({ rule, sets: new Map(sets), ...other })))

const asTree = (some: readonly Item[]) =>
  buildTree(some, 4, { linear: FEW, candidates: Number.POSITIVE_INFINITY })

test('the leaf of few items', t => {
  let made = 0
  const isSame = (some: readonly Item[]): void => {
    const leaf = leafOfFew(some, 4)
    if (!leaf) return
    made++
    t.deepEqual(asTree(some), leaf)
  }
  fc.assert(fc.property(items, isSame), { numRuns: 1000 })
  t.true(made > 200, `${made} were made`)
})

const plain = (sets: Item['sets']): Item => ({ rule: 0, sets, rest: [], outcome: { kind: 'accept' } })

test('sets that end behind their field, or are all of it, are for a space', t => {
  t.is(leafOfFew([plain(new Map([['protocol', [{ low: 6, end: 257 }]]]))], 4), undefined)
  t.is(leafOfFew([plain(new Map([['protocol', [{ low: 0, end: 256 }]]]))], 4), undefined)
  t.deepEqual(leafOfFew([plain(new Map([['protocol', [{ low: 6, end: 256 }]]]))], 4)?.candidates.length, 1)
})
