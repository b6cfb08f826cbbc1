import test from 'ava'
import fc from 'fast-check'
import {
  add,
  addImmediate,
  addImmediate32,
  andImmediate,
  arshImmediate,
  be16,
  be32,
  be64,
  le16,
  mov,
  mov32,
  movImmediate,
  neg,
  rsh32,
} from '../../../translator/asm/alu.ts'
import { createAssembler } from '../../../translator/asm/assembler.ts'
import { decode, encode } from '../../../translator/asm/encode.ts'
import type { Instruction } from '../../../translator/asm/instruction.ts'
import {
  call,
  callFunction,
  callKfunc,
  exit,
  immediate,
  jumpIf,
  register,
} from '../../../translator/asm/jump.ts'
import {
  atomicAdd,
  load,
  loadImmediate64,
  loadMap,
  loadMapValue,
  loadMember,
  store,
  storeImmediate,
  typeId,
} from '../../../translator/asm/memory.ts'
import { r0, r1, r2, r3, r9, r10, registerOf } from '../../../translator/asm/register.ts'

const hex = (...instructions: readonly Instruction[]): string =>
  Buffer.from(encode(instructions)).toString('hex')

// Worked out by hand from RFC 9669.
test('instructions encode as the kernel has them', t => {
  t.is(hex(mov(r1, r2)), 'bf21000000000000')
  t.is(hex(mov32(r1, r2)), 'bc21000000000000')
  t.is(hex(movImmediate(r0, -1)), 'b7000000ffffffff')
  t.is(hex(add(r1, r10)), '0fa1000000000000')
  t.is(hex(addImmediate(r2, -8)), '07020000f8ffffff')
  t.is(hex(addImmediate32(r2, 0xffff_ffff)), '04020000ffffffff')
  t.is(hex(andImmediate(r3, 15)), '570300000f000000')
  t.is(hex(rsh32(r1, r2)), '7c21000000000000')
  t.is(hex(arshImmediate(r1, 3)), 'c701000003000000')
  t.is(hex(neg(r1)), '8701000000000000')
  t.is(hex(be16(r1)), 'dc01000010000000')
  t.is(hex(be32(r1)), 'dc01000020000000')
  t.is(hex(be64(r1)), 'dc01000040000000')
  t.is(hex(le16(r1)), 'd401000010000000')
  t.is(hex(load('u16', r1, r9, 12)), '69910c0000000000')
  t.is(hex(load('u64', r1, r9, -1)), '7991ffff00000000')
  t.is(hex(store('u32', r10, -4, r1)), '631afcff00000000')
  t.is(hex(storeImmediate('u8', r10, -1, 7)), '720affff07000000')
  t.is(hex(atomicAdd('u64', r0, 8, r1)), 'db10080000000000')
  t.is(hex(loadImmediate64(r1, 0x1122_3344_5566_7788n)), '18010000887766550000000044332211')
  t.is(hex(call('bpf_fib_lookup')), '8500000045000000')
  t.is(hex(exit()), '9500000000000000')
})

test('what is relocated encodes as zero, and says by its source register what it wants', t => {
  t.is(hex(loadMap(r1, 'counters')), '18110000000000000000000000000000')
  t.is(hex(loadMapValue(r1, 'state', 8)), '18210000000000000000000000000000')
  t.is(hex(callFunction('chain')), '8510000000000000')
  t.is(hex(callKfunc('bpf_rdonly_cast')), '8520000000000000')
  t.is(hex(loadMember('u32', r1, r2, 'sk_buff', 'len')), '6121000000000000')
  t.is(hex(typeId(r2, 'nf_conn')), 'b702000000000000')
})

test('comparisons encode their width and operand', t => {
  const at = (
    make: (label: ReturnType<ReturnType<typeof createAssembler>['label']>) => ReturnType<typeof jumpIf>,
  ) => {
    const assembler = createAssembler()
    const label = assembler.label()
    assembler.emit(make(label), exit())
    assembler.place(label)
    assembler.emit(exit())
    return hex(...assembler.assemble().slice(0, 1))
  }
  t.is(
    at(label => jumpIf('==', r1, immediate(22), label)),
    '1501010016000000',
  )
  t.is(
    at(label => jumpIf('>', r1, immediate(22), label, 32)),
    '2601010016000000',
  )
  t.is(
    at(label => jumpIf('s<=', r1, register(r2), label)),
    'dd21010000000000',
  )
  t.is(
    at(label => jumpIf('&', r1, register(r2), label, 32)),
    '4e21010000000000',
  )
})

const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  fc.record({
    opcode: fc.nat(0xff).filter(opcode => opcode !== 0x18),
    dst: fc.nat(10).map(registerOf),
    src: fc.nat(10).map(registerOf),
    offset: fc.integer({ min: -0x8000, max: 0x7fff }),
    immediate: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  }),
  fc.record({
    opcode: fc.constant(0x18),
    dst: fc.nat(10).map(registerOf),
    src: fc.nat(2).map(registerOf),
    offset: fc.constant(0),
    immediate: fc.bigInt(-(1n << 63n), (1n << 63n) - 1n),
  }),
)

test('decode undoes encode', t => {
  fc.assert(
    fc.property(fc.array(instruction), instructions => {
      t.deepEqual(decode(encode(instructions)), instructions)
    }),
  )
})

test('decode refuses parts of instructions', t => {
  t.throws(() => decode(new Uint8Array(7)), { instanceOf: RangeError })
  t.throws(() => decode(encode([loadImmediate64(r0, 1)]).subarray(0, 8)), { instanceOf: RangeError })
})
