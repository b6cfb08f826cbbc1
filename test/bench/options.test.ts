import test from 'ava'
import { readOptions, UsageError } from '../../bench/options.ts'

test('without arguments: five-tuple, all contenders', t => {
  const options = readOptions([])
  t.deepEqual(options?.series, ['five-tuple'])
  t.is(options?.rules, undefined)
  t.true(options?.contenders.includes('netfilter'))
})

test('a file takes the place of the series, unless one is named', t => {
  t.deepEqual(readOptions(['rules.v4'])?.series, [])
  t.deepEqual(readOptions(['rules.v4', '--series', 'acl'])?.series, ['acl'])
  t.deepEqual(readOptions(['rules.v4'])?.files, ['rules.v4'])
})

test('sizes and seeds', t => {
  const options = readOptions(['--rules', '10,1000', '--seed', '7,8'])
  t.deepEqual(options?.rules, [10, 1000])
  t.deepEqual(options?.seeds, [7, 8])
  t.deepEqual(readOptions([])?.seeds, [1])
  t.is(readOptions(['--namespaces', '5'])?.namespaces, 5)
})

test('help', t => t.is(readOptions(['--help']), undefined))

for (const words of [
  ['--series', 'x'],
  ['--rules', '0'],
  ['--rules', 'ten'],
  ['--contenders', 'x'],
  ['--seed', ''],
  ['--nonsense'],
])
  test(`${words.join(' ')} is refused`, t => {
    t.throws(() => readOptions(words), { instanceOf: UsageError })
  })
