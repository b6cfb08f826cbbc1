import test from 'ava'
import { btfWriter } from '../../../translator/btf/writer.ts'

const wordsOf = (bytes: Uint8Array): readonly number[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => view.getUint32(index * 4, true))
}

test('an empty blob is a header and the empty string', t => {
  const bytes = btfWriter().bytes()
  t.deepEqual([...bytes.subarray(0, 8)], [0x9f, 0xeb, 1, 0, 24, 0, 0, 0])
  t.deepEqual(wordsOf(bytes).slice(2), [0, 0, 0, 1])
  t.is(bytes.length, 25)
})

test('a struct follows its member type, with bit offsets', t => {
  const btf = btfWriter()
  const u32 = btf.add({ kind: 'int', name: 'u32', size: 4, signed: false })
  const members = [
    { name: 'a', type: u32, offset: 0 },
    { name: 'b', type: u32, offset: 4 },
  ]
  const struct = btf.add({ kind: 'struct', name: 's', size: 8, members })
  t.deepEqual([u32, struct], [1, 2])
  const types = wordsOf(btf.bytes()).slice(6, 6 + 4 + 3 + 6)
  t.deepEqual(types, [1, 0x01000000, 4, 32, 5, 0x04000002, 8, 7, 1, 0, 9, 1, 32])
  t.is(Buffer.from(btf.bytes().subarray(24 + 13 * 4)).toString('latin1'), '\0u32\0s\0a\0b\0')
})

test('equal types are written once', t => {
  const btf = btfWriter()
  const once = btf.add({ kind: 'int', name: 'int', size: 4, signed: true })
  t.is(btf.add({ kind: 'int', name: 'int', size: 4, signed: true }), once)
  t.not(btf.add({ kind: 'int', name: 'int', size: 4, signed: false }), once)
  t.is(btf.add({ kind: 'ptr', type: once }), 3)
})

test('functions carry linkage in vlen, sections their variables', t => {
  const btf = btfWriter()
  const int = btf.add({ kind: 'int', name: 'int', size: 4, signed: true })
  const proto = btf.add({ kind: 'func_proto', result: int, parameters: [{ name: 'x', type: int }] })
  const func = btf.add({ kind: 'func', name: 'f', type: proto, linkage: 'extern' })
  const variable = btf.add({ kind: 'var', name: 'v', type: int, linkage: 'global' })
  btf.add({ kind: 'datasec', name: '.maps', size: 4, variables: [{ type: variable, offset: 0, size: 4 }] })
  t.deepEqual(wordsOf(btf.bytes()).slice(10, 28), [
    0,
    0x0d000001,
    int,
    5,
    int,
    7,
    0x0c000002,
    proto,
    9,
    0x0e000000,
    int,
    1,
    11,
    0x0f000001,
    4,
    variable,
    0,
    4,
  ])
  t.is(func, 3)
})

test('a name that is not ASCII is refused', t => {
  t.throws(() => btfWriter().string('naïve'), { instanceOf: RangeError })
})
