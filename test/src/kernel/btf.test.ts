import test from 'ava'
import { memberOffset } from '../../../src/kernel/btf/member.ts'
import { findType, readBtf } from '../../../src/kernel/btf/reader.ts'
import { btfWriter } from '../../../translator/btf/writer.ts'

/**
 * struct outer {
 *   u32 first;
 *   union { u32 same; struct { u16 low; u16 high; }; };
 *   const inner_t nested;        struct inner { u8 pad[4]; u32 value; }
 * };
 */
const sample = () => {
  const btf = btfWriter()
  const u32 = btf.add({ kind: 'int', name: 'u32', size: 4, signed: false })
  const u16 = btf.add({ kind: 'int', name: 'u16', size: 2, signed: false })
  const halves = btf.add({
    kind: 'struct',
    name: '',
    size: 4,
    members: [
      { name: 'low', type: u16, offset: 0 },
      { name: 'high', type: u16, offset: 2 },
    ],
  })
  const union = btf.add({
    kind: 'union',
    name: '',
    size: 4,
    members: [
      { name: 'same', type: u32, offset: 0 },
      { name: '', type: halves, offset: 0 },
    ],
  })
  const inner = btf.add({
    kind: 'struct',
    name: 'inner',
    size: 8,
    members: [{ name: 'value', type: u32, offset: 4 }],
  })
  const typedef = btf.add({ kind: 'typedef', name: 'inner_t', type: inner })
  const constant = btf.add({ kind: 'const', type: typedef })
  const outer = btf.add({
    kind: 'struct',
    name: 'outer',
    size: 16,
    members: [
      { name: 'first', type: u32, offset: 0 },
      { name: '', type: union, offset: 4 },
      { name: 'nested', type: constant, offset: 8 },
    ],
  })
  const proto = btf.add({ kind: 'func_proto', result: u32, parameters: [{ name: 'x', type: outer }] })
  const fn = btf.add({ kind: 'func', name: 'outer', type: proto, linkage: 'static' })
  return { bytes: btf.bytes(), outer, fn, u32 }
}

test('types are found by kind and name', t => {
  const { bytes, outer, fn, u32 } = sample()
  const btf = readBtf(bytes)
  t.is(findType(btf, 'struct', 'outer'), outer)
  t.is(findType(btf, 'func', 'outer'), fn)
  t.is(findType(btf, 'int', 'u32'), u32)
  t.is(findType(btf, 'union', 'outer'), undefined)
  t.is(findType(btf, 'struct', 'oute'), undefined)
})

test('members are found through typedefs, qualifiers and anonymous members', t => {
  const { bytes, outer } = sample()
  const btf = readBtf(bytes)
  t.is(memberOffset(btf, outer, ['first']), 0)
  t.is(memberOffset(btf, outer, ['same']), 4)
  t.is(memberOffset(btf, outer, ['high']), 6)
  t.is(memberOffset(btf, outer, ['nested', 'value']), 12)
  t.is(memberOffset(btf, outer, ['nested', 'none']), undefined)
  t.is(memberOffset(btf, outer, ['first', 'none']), undefined)
})

/** A module's blob: struct mod { u32 pad; u32 value; }, its strings numbered from the end of the base's. */
const splitBlob = (baseStrings: number, baseU32: number): Uint8Array => {
  const strings = Buffer.from('mod\0value\0')
  const type = [baseStrings, 0x04000001, 8, baseStrings + 4, baseU32, 32]
  const header = [0x0001eb9f, 24, 0, type.length * 4, type.length * 4, strings.length]
  const words = new Uint8Array(Uint32Array.from([...header, ...type]).buffer)
  return Buffer.concat([words, strings])
}

test('a module’s BTF goes on where vmlinux’s ends', t => {
  const { bytes, fn, u32 } = sample()
  const base = readBtf(bytes)
  const strings = new DataView(bytes.buffer).getUint32(20, true)
  const module = readBtf(splitBlob(strings, u32), base)
  const id = findType(module, 'struct', 'mod')
  t.is(id, fn + 1)
  t.is(memberOffset(module, id ?? 0, ['value']), 4)
  t.is(memberOffset(module, findType(base, 'struct', 'outer') ?? 0, ['high']), 6)
  t.is(findType(module, 'struct', 'outer'), undefined)
})

test('what is not BTF is refused', t => {
  t.throws(() => readBtf(new Uint8Array(24)), { message: 'not BTF' })
  t.throws(() => readBtf(new Uint8Array(3)), { message: 'not BTF' })
})
