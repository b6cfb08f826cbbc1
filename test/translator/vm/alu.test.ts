import test from 'ava'
import fc from 'fast-check'
import { Alu, Jmp } from '../../../translator/asm/opcode.ts'
import { alu32, alu64, swapBytes } from '../../../translator/vm/alu.ts'
import { compare, narrow } from '../../../translator/vm/compare.ts'
import { bigintOf, newRegisters, setBigint } from '../../../translator/vm/register-file.ts'

// The model: RFC 9669 in BigInt. `u` and `s` read a number as unsigned and signed.

const u = BigInt.asUintN
const s = BigInt.asIntN

type Model = (a: bigint, b: bigint, bits: number) => bigint

const models = new Map<number, Model>([
  [Alu.MOV, (_, b) => b],
  [Alu.ADD, (a, b) => a + b],
  [Alu.SUB, (a, b) => a - b],
  [Alu.MUL, (a, b) => a * b],
  [Alu.DIV, (a, b) => (b === 0n ? 0n : a / b)],
  [Alu.MOD, (a, b) => (b === 0n ? a : a % b)],
  [Alu.OR, (a, b) => a | b],
  [Alu.AND, (a, b) => a & b],
  [Alu.XOR, (a, b) => a ^ b],
  [Alu.LSH, (a, b, bits) => a << (b % BigInt(bits))],
  [Alu.RSH, (a, b, bits) => a >> (b % BigInt(bits))],
  [Alu.ARSH, (a, b, bits) => s(bits, a) >> (b % BigInt(bits))],
  [Alu.NEG, a => -a],
])

const signedModels = new Map<number, Model>([
  [Alu.DIV, (a, b, bits) => (b === 0n ? 0n : s(bits, a) / s(bits, b))],
  [Alu.MOD, (a, b, bits) => (b === 0n ? a : s(bits, a) % s(bits, b))],
])

const edges = [
  0n,
  1n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  1n << 32n,
  (1n << 63n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
]
const word = fc.oneof(fc.constantFrom(...edges), fc.bigInt(0n, (1n << 64n) - 1n), fc.bigInt(0n, 70n))

const halves = (value: bigint) => ({ low: Number(value & 0xffff_ffffn), high: Number(value >> 32n) })

const apply = (bits: 32 | 64, operation: number, a: bigint, b: bigint, offset: number): bigint => {
  const registers = newRegisters()
  setBigint(registers, 3, a)
  const run = bits === 64 ? alu64 : alu32
  if (!run(registers, operation, 3, halves(b), offset)) throw new Error(`no operation ${operation}`)
  return bigintOf(registers, 3)
}

for (const bits of [32, 64] as const) {
  test(`${bits}-bit arithmetic`, t => {
    fc.assert(
      fc.property(fc.constantFrom(...models.keys()), word, word, (operation, a, b) => {
        const model = models.get(operation)
        t.is(apply(bits, operation, a, b, 0), u(bits, model?.(u(bits, a), u(bits, b), bits) ?? -1n))
      }),
      { numRuns: 3000 },
    )
  })

  test(`${bits}-bit signed division`, t => {
    fc.assert(
      fc.property(fc.constantFrom(...signedModels.keys()), word, word, (operation, a, b) => {
        const model = signedModels.get(operation)
        t.is(apply(bits, operation, a, b, 1), u(bits, model?.(u(bits, a), u(bits, b), bits) ?? -1n))
      }),
      { numRuns: 500 },
    )
  })

  test(`${bits}-bit sign extension`, t => {
    for (const from of bits === 64 ? [8, 16, 32] : [8, 16])
      fc.assert(
        fc.property(word, value => t.is(apply(bits, Alu.MOV, 1n, value, from), u(bits, s(from, value)))),
      )
  })

  test(`${bits}-bit comparison`, t => {
    const conditions = new Map<number, (a: bigint, b: bigint) => boolean>([
      [Jmp.JEQ, (a, b) => a === b],
      [Jmp.JNE, (a, b) => a !== b],
      [Jmp.JSET, (a, b) => (a & b) !== 0n],
      [Jmp.JGT, (a, b) => a > b],
      [Jmp.JGE, (a, b) => a >= b],
      [Jmp.JLT, (a, b) => a < b],
      [Jmp.JLE, (a, b) => a <= b],
      [Jmp.JSGT, (a, b) => s(bits, a) > s(bits, b)],
      [Jmp.JSGE, (a, b) => s(bits, a) >= s(bits, b)],
      [Jmp.JSLT, (a, b) => s(bits, a) < s(bits, b)],
      [Jmp.JSLE, (a, b) => s(bits, a) <= s(bits, b)],
    ])
    const operand = (value: bigint) => (bits === 64 ? halves(value) : narrow(halves(value)))
    fc.assert(
      fc.property(fc.constantFrom(...conditions.keys()), word, word, (condition, a, b) => {
        t.is(compare(condition, operand(a), operand(b)), conditions.get(condition)?.(u(bits, a), u(bits, b)))
      }),
      { numRuns: 3000 },
    )
  })
}

test('byte order', t => {
  const swapped = (value: bigint, bits: number, swap: boolean): bigint => {
    const registers = newRegisters()
    setBigint(registers, 3, value)
    swapBytes(registers, 3, bits, swap)
    return bigintOf(registers, 3)
  }
  const value = 0x1122_3344_5566_7788n
  t.deepEqual(
    [16, 32, 64].map(bits => swapped(value, bits, true)),
    [0x8877n, 0x8877_6655n, 0x8877_6655_4433_2211n],
  )
  t.deepEqual(
    [16, 32, 64].map(bits => swapped(value, bits, false)),
    [0x7788n, 0x5566_7788n, value],
  )
  t.false(swapBytes(newRegisters(), 3, 8, true))
})

test('operations that do not exist are told', t => {
  t.false(alu64(newRegisters(), 0xf0, 3, halves(1n), 0))
  t.false(alu32(newRegisters(), 0xe0, 3, halves(1n), 0))
  t.is(compare(Jmp.CALL, halves(0n), halves(0n)), undefined)
})
