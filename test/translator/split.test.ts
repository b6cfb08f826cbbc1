import test from 'ava'
import { transport } from '../../translator/field.ts'
import { FieldSets } from '../../translator/field-sets.ts'
import type { Item, Outcome } from '../../translator/item.ts'
import { gathered } from '../../translator/split.ts'
import { single } from '../../translator/tree/interval.ts'

const item = (rule: number, kind: 'hotdrop' | 'drop', field: 'protocol' | 'saddr'): Item => ({
  rule,
  sets: FieldSets.of(
    new Map([
      [field, single(rule)],
      ['transport', single(transport.short)],
    ]),
  ),
  rest: [],
  outcome: { kind } as Outcome,
})

const order = (items: readonly Item[]): string =>
  gathered(items)
    .map(({ rule, outcome }) => `${outcome.kind} ${rule}`)
    .join(', ')

test('questions whether a packet is malformed are put side by side where they ask alike, and none passes a rule', t => {
  t.is(
    order([
      item(1, 'hotdrop', 'saddr'),
      item(2, 'hotdrop', 'protocol'),
      item(3, 'hotdrop', 'saddr'),
      item(4, 'drop', 'saddr'),
      item(5, 'hotdrop', 'protocol'),
      item(6, 'hotdrop', 'saddr'),
    ]),
    'hotdrop 1, hotdrop 3, hotdrop 2, drop 4, hotdrop 5, hotdrop 6',
  )
})

test('there may be more of them than a call takes arguments', t => {
  const many = Array.from({ length: 200_000 }, (_, rule) =>
    item(rule, 'hotdrop', rule % 2 ? 'saddr' : 'protocol'),
  )
  const rules = gathered(many).map(({ rule }) => rule)
  t.is(rules.length, many.length)
  t.deepEqual([rules[0], rules[1], rules[100_000]], [0, 2, 1])
})
