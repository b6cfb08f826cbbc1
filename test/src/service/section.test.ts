import test from 'ava'
import { holdsSomething, onlyTables, sectionsOf, withoutTables } from '../../../src/service/section.ts'

const text = '# one\n*nat\n-A OUTPUT\nCOMMIT\n# two\n*filter\n:INPUT DROP [0:0]\n COMMIT \n*raw\n-A OUTPUT'

test('tables are found by their lines, one without COMMIT too', t => {
  t.deepEqual(
    sectionsOf(text).map(({ table, start, end }) => [table, text.slice(start, end)]),
    [
      ['nat', '*nat\n-A OUTPUT\nCOMMIT\n'],
      ['filter', '*filter\n:INPUT DROP [0:0]\n COMMIT \n'],
      ['raw', '*raw\n-A OUTPUT'],
    ],
  )
})

test('what is left out leaves its lines', t => {
  t.is(
    onlyTables(text, table => table === 'filter'),
    '\n\n\n\n\n*filter\n:INPUT DROP [0:0]\n COMMIT \n\n',
  )
  t.is(
    withoutTables(text, table => table !== 'filter'),
    '# one\n\n\n\n# two\n*filter\n:INPUT DROP [0:0]\n COMMIT \n\n',
  )
})

for (const [holds, section] of [
  [false, '*nat\n:OUTPUT ACCEPT [5:6]\nCOMMIT\n'],
  [true, '*nat\n:OUTPUT DROP [0:0]\nCOMMIT\n'],
  [true, '*nat\n:MINE - [0:0]\nCOMMIT\n'],
  [true, '*nat\n-A OUTPUT -j ACCEPT\nCOMMIT\n'],
  [true, '*nat\n[1:2] -A OUTPUT -j ACCEPT\nCOMMIT\n'],
] as const)
  test(`a table ${holds ? 'holds something' : 'is empty'}: ${JSON.stringify(section)}`, t => {
    t.is(holdsSomething(section), holds)
  })
