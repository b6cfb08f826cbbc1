import test from 'ava'
import { AmendMemory } from '../../../../src/service/incremental/amend-memory.ts'
import type { Trees } from '../../../../translator/tree/word-tree.ts'

const trees = (byte: number, depth = 1): Trees => ({
  bytes: Uint8Array.of(1, 2, 3, byte),
  layout: {
    size: 4,
    words: [{ field: 'saddr', half: 0, bits: 32 }],
    trees: 1,
    lastKnot: 0,
    lastBox: 0,
    box: { size: 4, answer: 0, position: 0 },
    depth,
    fullest: 1,
  },
})

test('the same trees are asked the same only once', t => {
  const memory = new AmendMemory()
  let asked = 0
  const ask = (of: Trees, ...question: readonly unknown[]): number =>
    memory.about(of, question, () => ++asked)
  t.is(ask(trees(4), 'put', 1n), 1)
  t.is(ask(trees(4), 'put', 1n), 1)
  t.is(ask(trees(4), 'put', 2n), 2)
  t.is(ask(trees(4), 'take', 1n), 3)
  t.is(ask(trees(5), 'put', 1n), 4)
  t.is(ask(trees(4, 2), 'put', 1n), 5)
  t.is(ask(trees(5), 'put', 1n), 4)
})

test('what cannot be done is not tried again', t => {
  const memory = new AmendMemory()
  let asked = 0
  for (let turn = 0; turn < 2; turn++)
    t.is(
      memory.about(trees(4), ['put'], () => void asked++),
      undefined,
    )
  t.is(asked, 1)
})
