import test from 'ava'
import fc from 'fast-check'
import { createLines } from '../../../../src/service/incremental/lines.ts'
import { everything } from '../../../../src/service/incremental/reach.ts'

/** A table of these lines, of which those from `first` on are a chain's. */
function linesOf(texts: readonly string[], first = 0) {
  const text = Buffer.from(`\n${texts.map(line => `${line}\n`).join('')}`)
  const offsets = [1]
  for (const line of texts) offsets.push((offsets.at(-1) ?? 0) + Buffer.byteLength(line) + 1)
  const slots = texts.map((_, index) => 100 + index)
  const reaches = Uint32Array.from(texts.flatMap(() => everything(4)))
  const table = {
    family: 4,
    text,
    offsets: Uint32Array.from(offsets),
    slots: Uint32Array.from(slots),
    reaches,
  } as const
  return createLines(table, first, texts.length - first)
}

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

test('lines after edits are those that an array has after the same edits', t => {
  const line = fc.constantFrom('', ' -j DROP', ' -s 10.0.0.1/32', ' -s 10.0.0.1/32 -j DROP')
  const edit = fc.record({ at: fc.nat(1000), text: fc.option(line, { nil: undefined }) })
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), fc.array(edit, { maxLength: 12 }), (texts, edits) => {
      const lines = linesOf(texts)
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
      for (const { text } of model)
        t.deepEqual(
          lines.find(text, 99),
          numbers.filter(number => model[number - 1]?.text === text),
        )
      t.is(lines.count, model.length)
    }),
  )
})
