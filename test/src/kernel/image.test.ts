import test from 'ava'
import { linkImage, type Resolver } from '../../../src/kernel/image.ts'
import { withoutUncalled } from '../../../src/kernel/reachable.ts'
import { placeOf } from '../../../src/kernel/verifier/place.ts'
import { SizeBits } from '../../../translator/asm/opcode.ts'
import { r0, r1, r2 } from '../../../translator/asm/register.ts'
import type { FunctionSpec } from '../../../translator/program.ts'
import * as asm from '../../kernel/assemble.ts'

const resolver: Resolver = {
  map: name => (name === 'counters' ? 11 : 12),
  member: (struct, path) => (struct === 'sk_buff' && path[0] === 'len' ? 112 : 0),
  struct: () => 873,
  hasMember: () => true,
  size: () => 112,
  enumerator: () => 2,
  ticks: () => 250,
  cgroup: () => 0x1_0000_0002n,
  kfunc: name => ({ id: name.length, module: name.startsWith('ct') ? 'nf_conntrack' : undefined }),
  openLoops: true,
}

const slots = (bytes: Uint8Array): readonly string[] =>
  Buffer.from(bytes)
    .toString('hex')
    .replaceAll(/(..)(..)(....)(........)/g, '$1 $2 $3 $4,')
    .split(',')
    .slice(0, -1)

const link = (...functions: readonly FunctionSpec[]) => linkImage(asm.program('xdp', functions), resolver)

const named = (name: string, ...instructions: FunctionSpec['instructions']): FunctionSpec => ({
  ...asm.main(instructions),
  name,
})

test('maps stand in LDDW by descriptor, map values with their offset in the second slot', t => {
  const value = asm.relocated(asm.loadMap(r2, 'x'), { kind: 'map-value', map: 'x', offset: 16 })
  t.deepEqual(slots(link(asm.main([asm.loadMap(r1, 'counters'), value])).bytes), [
    '18 11 0000 0b000000',
    '00 00 0000 00000000',
    '18 22 0000 0c000000',
    '00 00 0000 10000000',
  ])
})

test('members and types are filled in', t => {
  const member = asm.relocated(asm.load(r0, r1, 0, SizeBits.W), {
    kind: 'member',
    struct: 'sk_buff',
    member: ['len'],
  })
  const type = asm.relocated(asm.move(r2, 0), { kind: 'type', struct: 'sk_buff' })
  t.deepEqual(slots(link(asm.main([member, type])).bytes), ['61 10 7000 00000000', 'b7 02 0000 69030000'])
})

test('arithmetic with a member has its offset as the operand', t => {
  const member = { kind: 'member', struct: 'sk_buff', member: ['len'] } as const
  t.deepEqual(slots(link(asm.main([asm.relocated(asm.add(r1, 0), member)])).bytes), ['07 01 0000 70000000'])
})

test('what a kernel was built with is filled in', t => {
  const filled = link(
    asm.main([
      asm.relocated(asm.move(r1, 0), { kind: 'size', struct: 'fib_nh' }),
      asm.relocated(asm.move(r1, 0), { kind: 'enumerator', enum: 'skb_ext_id', name: 'SKB_EXT_BRIDGE_NF' }),
      asm.relocated(asm.move(r1, 0), { kind: 'ticks' }),
      asm.relocated(asm.move(r1, 0), { kind: 'has-member', struct: 'sk_buff', member: ['len'] }),
      asm.relocated(asm.loadMap(r1, ''), { kind: 'cgroup', path: 'user.slice' }),
    ]),
  )
  t.deepEqual(slots(filled.bytes), [
    'b7 01 0000 70000000',
    'b7 01 0000 02000000',
    'b7 01 0000 fa000000',
    'b7 01 0000 01000000',
    '18 01 0000 02000000',
    '00 00 0000 01000000',
  ])
})

test('a member that a kernel lacks may be loaded where that is allowed for', t => {
  const without = { ...resolver, hasMember: () => false, member: () => t.fail() as never }
  const optional = { kind: 'member', struct: 'sk_buff', member: ['len'], optional: true } as const
  const asked = asm.relocated(asm.move(r1, 0), { kind: 'has-member', struct: 'sk_buff', member: ['len'] })
  const loaded = asm.relocated(asm.load(r0, r1, 0, SizeBits.W), optional)
  const image = linkImage(asm.program('xdp', [asm.main([asked, loaded])]), without)
  t.deepEqual(slots(image.bytes), ['b7 01 0000 00000000', '61 10 0000 00000000'])
})

test('calls go to where functions begin, counted from the slot after', t => {
  const image = link(
    named('main', asm.loadMap(r1, 'counters'), asm.call({ kind: 'function', name: 'two' }), asm.exit),
    named('one', asm.call({ kind: 'function', name: 'one' }), asm.exit),
    named('two', asm.call({ kind: 'function', name: 'one' }), asm.exit),
  )
  t.deepEqual(image.starts, [0, 4, 6])
  t.deepEqual(
    slots(image.bytes).filter(slot => slot.startsWith('85')),
    ['85 10 0000 03000000', '85 10 0000 ffffffff', '85 10 0000 fdffffff'],
  )
})

test('kfuncs of modules name the module by its place in the descriptors', t => {
  const image = link(
    asm.main([
      asm.call({ kind: 'kfunc', name: 'abc' }),
      asm.call({ kind: 'kfunc', name: 'ct_one' }),
      asm.call({ kind: 'kfunc', name: 'ct_other' }),
    ]),
  )
  t.deepEqual(slots(image.bytes), ['85 20 0000 03000000', '85 20 0100 06000000', '85 20 0100 08000000'])
  t.deepEqual(image.modules, ['nf_conntrack'])
})

test('a call of a function that is not there is refused', t => {
  t.throws(() => link(asm.main([asm.call({ kind: 'function', name: 'none' })])), { instanceOf: RangeError })
})

test('slots lead back to instructions', t => {
  const spec = asm.program('xdp', [
    named('main', asm.loadMap(r1, 'counters'), asm.exit),
    named('two', asm.move(r0, 1), asm.exit),
  ])
  const image = linkImage(spec, resolver)
  const found = [0, 1, 2, 3, 4, 5].map(slot => placeOf(spec, image, slot))
  t.deepEqual(
    found.map(place => place && [place.function, place.index]),
    [['main', 0], ['main', 0], ['main', 1], ['two', 0], ['two', 1], undefined],
  )
})

test('functions that nothing calls are left out', t => {
  const calls = (name: string) => asm.call({ kind: 'function', name })
  const spec = asm.program('xdp', [
    named('main', calls('b')),
    named('a', calls('b')),
    named('b', calls('c')),
    named('c', calls('b')),
  ])
  t.deepEqual(
    withoutUncalled(spec).functions.map(fn => fn.name),
    ['main', 'b', 'c'],
  )
})

test('the jump out of an open loop is may_goto where the kernel has it, and what hides its count is any number', t => {
  const jump = { ...asm.skipIfZero(r1, 3), immediate: 9 }
  const instructions = [
    asm.relocated(jump, { kind: 'open-loop' }),
    asm.relocated(asm.move(r2, 0), { kind: 'open-loop' }),
  ]
  t.deepEqual(slots(link(asm.main(instructions)).bytes), ['e5 00 0300 00000000', 'b7 02 0000 ffffffff'])
  const without = linkImage(asm.program('xdp', [asm.main(instructions)]), { ...resolver, openLoops: false })
  t.deepEqual(slots(without.bytes), ['15 01 0300 09000000', 'b7 02 0000 00000000'])
})
