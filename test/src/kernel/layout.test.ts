import test from 'ava'
import * as attribute from '../../../src/kernel/sys/attribute.ts'
import { decode, encode, layout, s32, text, u16, u32, u64 } from '../../../src/kernel/sys/layout.ts'
import { addressOf } from '../../../src/kernel/sys/libc.ts'
import { linkTypeNumber } from '../../../src/kernel/sys/link.ts'

const every = layout(32, { a: u16(0), b: s32(4), c: u64(8), d: text(16, 8), e: u32(24) })

test('fields are written little-endian at their offsets, the rest is zero', t => {
  const { bytes } = encode(every, { a: 0x1234, b: -2, c: 0x0102030405060708n, d: 'name' })
  t.is(Buffer.from(bytes).toString('hex'), '34120000feffffff08070605040302016e616d65000000000000000000000000')
})

test('what is written is read back', t => {
  const values = { a: 65535, b: -(2 ** 31), c: 2n ** 64n - 1n, d: '1234567', e: 2 ** 32 - 1 }
  t.deepEqual(decode(every, encode(every, values).bytes), values)
})

test('a text must leave room for its NUL', t => {
  t.throws(() => encode(every, { d: '12345678' }), {
    instanceOf: RangeError,
    message: 'name too long: 12345678',
  })
})

test('a pointer is the address of its buffer, which is kept with the struct', t => {
  const key = new Uint8Array(4)
  const struct = encode(attribute.mapElement, { map_fd: 3, key })
  t.deepEqual(struct.pointers, [key])
  t.is(decode(attribute.mapElement, struct.bytes).key, addressOf(key))
})

test('the layout of a netfilter link', t => {
  const { bytes } = encode(attribute.linkCreateNetfilter, {
    prog_fd: 5,
    attach_type: 45,
    pf: 2,
    hooknum: 1,
    priority: -1,
  })
  t.deepEqual([...new Int32Array(bytes.buffer)], [5, 0, 45, 0, 2, 1, -1, 0])
  t.is(linkTypeNumber.NETFILTER, 10)
})
