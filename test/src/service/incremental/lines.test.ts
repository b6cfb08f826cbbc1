import test from 'ava'
import fc from 'fast-check'
import { createLines, joinPieces } from '../../../../src/service/incremental/lines.ts'
import { everything, reachSize } from '../../../../src/service/incremental/reach.ts'
import { linesOf, tableOf } from './table-lines.ts'

test('a rule is found by its whole text, in its own chain', t => {
  const lines = linesOf(
    [' -j DROP', ' -s 10.0.0.1/32 -j DROP', ' -j DROP', ' -s 10.0.0.1/32 -j DROP -j', ''],
    1,
  )
  t.deepEqual(lines.find(' -j DROP', 2), [2])
  t.deepEqual(lines.find(' -s 10.0.0.1/32 -j DROP', 2), [1])
  t.deepEqual(lines.find(' -s 10.0.0.1/32', 2), [])
  t.deepEqual(lines.find('', 2), [4])
  t.is(lines.numberOf(103), 3)
  t.is(lines.numberOf(100), undefined)
})

test('the lines that hold a text are found, each once, and those that were put in', t => {
  const lines = linesOf(['-m state -m state', '-j DROP', '-m state ', '-m mark'], 1)
  lines.insert(1, '-p tcp -m state', 7)
  t.deepEqual([...lines.holding('-m state')], ['-p tcp -m state', '-m state '])
  lines.remove(3)
  t.deepEqual([...lines.holding('-m state')], ['-p tcp -m state'])
  t.deepEqual(
    [...linesOf(['-m state -m state', '-m state']).holding('-m state')],
    ['-m state -m state', '-m state'],
  )
})

test('rules are found by how they begin, so many at most', t => {
  const lines = linesOf([' -m mark', ' -p udp -m mark', '', ' -m mark --mark 0x1', ' -j DROP'])
  t.deepEqual(lines.beginning(' -m ', 9), [1, 4])
  t.deepEqual(lines.beginning(' -m ', 1), [1])
  lines.insert(2, ' -m state', 7)
  t.deepEqual(lines.beginning(' -m ', 9), [1, 2, 5])
  t.deepEqual(lines.beginning('-m ', 9), [])
})

test('lines after edits are those that an array has after the same edits', t => {
  const line = fc.constantFrom('', ' -j DROP', ' -s 10.0.0.1/32', ' -s 10.0.0.1/32 -j DROP')
  const edit = fc.record({ at: fc.nat(1000), text: fc.option(line, { nil: undefined }) })
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), fc.array(edit, { maxLength: 12 }), (texts, edits) => {
      const table = tableOf(texts)
      const lines = createLines(table, 0, texts.length)
      const model = texts.map((text, index) => ({ text, slot: 100 + index }))
      for (const [index, { at, text }] of edits.entries()) {
        if (text === undefined && model.length === 0) continue
        const number = 1 + (at % (model.length + (text === undefined ? 0 : 1)))
        if (text === undefined) lines.remove(number)
        else lines.insert(number, text, index)
        model.splice(
          number - 1,
          text === undefined ? 1 : 0,
          ...(text === undefined ? [] : [{ text, slot: index }]),
        )
      }
      const numbers = model.map((_, index) => index + 1)
      t.deepEqual(
        numbers.map(lines.textOf),
        model.map(({ text }) => text),
      )
      t.deepEqual(
        numbers.map(lines.slotOf),
        model.map(({ slot }) => slot),
      )
      t.deepEqual(
        model.map(({ slot }) => lines.numberOf(slot)),
        numbers,
      )
      t.deepEqual(
        [...lines.slots(2, lines.count)],
        model.slice(1).map(({ slot }) => slot),
      )
      // all of them can be about anything
      t.deepEqual(lines.meeting(2, lines.count, everything(4)), numbers.slice(1))
      t.deepEqual(lines.meeting(1, lines.count, everything(4), 3), numbers.slice(0, 3))
      for (const { text } of model)
        t.deepEqual(
          lines.find(text, 99),
          numbers.filter(number => model[number - 1]?.text === text),
        )
      t.is(lines.count, model.length)
      const joined = joinPieces(table, lines.pieces())
      const again = createLines({ family: 4, ...joined }, 0, model.length)
      t.deepEqual(
        numbers.map(number => [again.textOf(number), again.slotOf(number)]),
        model.map(({ text, slot }) => [text, slot]),
      )
      t.is(joined.reaches.length, model.length * reachSize(4))
    }),
  )
})
