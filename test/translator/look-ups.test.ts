// Which look-ups of a program have maps of their own, and what the others share.

import test from 'ava'
import { lookUpId } from '../../translator/emit/look-up.ts'
import { randomLists } from '../kernel/harness/random-lists.ts'
import { compileText } from './compile.ts'

const strategies = { leastDispatch: 4, dispatch: 'always' } as const
const LISTS = 40

const programOf = (deep: boolean, lists = LISTS) => {
  const [program] = compileText(
    randomLists({ seed: 1, family: 4, lists, rules: 8, deep }),
    4,
    'netfilter',
    strategies,
  )
  if (!program) throw new Error('there is no program')
  return program
}

test('the ten longest look-ups have maps of their own, and each of the others is told by its map and number', t => {
  const { lookUps, spec } = programOf(false)
  const [own, shared] = [lookUps.filter(one => !one.shared), lookUps.filter(one => one.shared)]
  t.is(own.length, 10)
  t.true(shared.length >= LISTS - 10)
  t.is(new Set(lookUps.map(lookUpId)).size, lookUps.length)
  const shortest = Math.min(...own.map(({ dispatch }) => dispatch.cases.length))
  t.true(shared.every(({ dispatch }) => dispatch.cases.length <= shortest))
  t.true(new Set(shared.map(({ name }) => name)).size <= 3)
  t.true(spec.maps.length <= 45)
})

test('few look-ups share nothing', t => {
  const { lookUps } = programOf(false, 3)
  t.true(lookUps.length > 0 && lookUps.length <= 10)
  t.true(lookUps.every(({ shared, table }) => !shared && table))
})

test('look-ups that share maps have one function for each size of their keys, however deep chains are', t => {
  for (const deep of [false, true]) {
    const { lookUps, spec } = programOf(deep)
    const sizes = new Set(lookUps.flatMap(({ shared }) => shared?.keySize ?? []))
    t.true(sizes.size > 0)
    t.is(spec.functions.filter(({ name }) => name.startsWith('look_up')).length, sizes.size)
  }
})
