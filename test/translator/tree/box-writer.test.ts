import test from 'ava'
import fc from 'fast-check'
import { BoxWriter } from '../../../translator/tree/box-writer.ts'
import type { Space } from '../../../translator/tree/space.ts'
import { wordsOf } from '../../../translator/tree/word-box.ts'

const WHOLE = 1n << 64n

/** Values of a field of 64 bits, whose halves are often at their ends. */
const half = fc.oneof(fc.constantFrom(0n, 1n, 0xffff_ffffn), fc.bigInt(0n, 0xffff_ffffn))
const value = fc.tuple(half, half).map(([high, low]) => (high << 32n) | low)

/** One box between each two points that follow one another, and one around all. */
const spaceBetween = (points: readonly bigint[]): Space => {
  const starts = [...new Set([0n, ...points])].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const lows = Int32Array.from([...starts.keys(), 0])
  const ends = Int32Array.from([...starts.map((_, at) => at + 1), starts.length])
  return {
    axes: [{ field: 'mac', starts, end: WHOLE }],
    items: [],
    itemOf: Int32Array.from(lows.keys()),
    lows: [lows],
    ends: [ends],
    exact: new Uint8Array(lows.length).fill(1),
    closed: new Uint8Array(lows.length),
    less: Uint8Array.from(lows, (_, at) => (at === starts.length ? 0 : 1)),
  }
}

test('boxes of a field of 64 bits are written as where they begin and how far they go', t => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 6 }), points => {
      const space = spaceBetween(points)
      const [{ starts }] = space.axes as [Space['axes'][number]]
      const ids = Int32Array.from(space.itemOf.keys())
      const boxes = new BoxWriter(
        space,
        wordsOf(space, 4),
        Uint32Array.from(ids, id => 7 * id),
      )
      const bytes = new Uint8Array(boxes.size * ids.length)
      boxes.write(bytes, { ids, offsets: ids.map(id => boxes.size * id) })
      const view = new DataView(bytes.buffer)
      for (const id of ids) {
        const [low, behind] = [starts[space.lows[0]?.[id] ?? 0], starts[space.ends[0]?.[id] ?? 0] ?? WHOLE]
        t.is(view.getBigUint64(boxes.size * id, true), BigInt(low ?? -1))
        t.is(view.getBigUint64(boxes.size * id + 8, true), BigInt(behind) - BigInt(low ?? 0) - 1n)
        t.is(view.getUint32(boxes.size * id + boxes.answerOffset, true), 7 * id)
        t.is(view.getUint32(boxes.size * id + boxes.positionOffset, true), id)
      }
    }),
  )
})
