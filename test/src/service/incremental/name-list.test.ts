import test from 'ava'
import { hasName, nameList, withNames } from '../../../../src/service/incremental/name-list.ts'

const list = nameList(['one', 'two.more', 'three'])

test('a list has whole names, and no part of one', t => {
  for (const name of ['one', 'two.more', 'three']) t.true(hasName(list, name), name)
  for (const name of ['on', 'two', 'two?more', 'hree', '', 'one\ntwo.more'])
    t.false(hasName(list, name), name)
  t.false(hasName(nameList([]), 'one'))
})

test('names are added once', t => {
  const more = withNames(list, ['four', 'one'])
  t.true(hasName(more, 'four'))
  t.is(more, nameList(['one', 'two.more', 'three', 'four']))
  t.is(withNames(nameList([]), ['one']), nameList(['one']))
})
