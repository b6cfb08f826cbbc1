// The interpreter against the kernel: random programs leave the same registers and memory, random packets get the same
// verdicts and counters, random updates leave the same maps.

import type { ExecutionContext } from 'ava'
import fc from 'fast-check'
import { closeMap, createMap, lookup, type MapHandle } from '../../src/kernel/map.ts'
import { closeProgram, loadProgram } from '../../src/kernel/program.ts'
import { deleteElement, updateElement } from '../../src/kernel/sys/map.ts'
import { testRun } from '../../src/kernel/testrun.ts'
import { movImmediate } from '../../translator/asm/alu.ts'
import type { Instruction } from '../../translator/asm/instruction.ts'
import { exit } from '../../translator/asm/jump.ts'
import { load, loadImmediate64, loadMapValue, store } from '../../translator/asm/memory.ts'
import { Alu, Atomic, Class, Jmp, Mode, SizeBits, Source } from '../../translator/asm/opcode.ts'
import { r0, r1, r2, r10, registerOf } from '../../translator/asm/register.ts'
import type { MapSpec, ProgramSpec } from '../../translator/program.ts'
import { newMap } from '../../translator/vm/map.ts'
import { newVm } from '../../translator/vm/vm.ts'
import { build } from '../packet/build.ts'
import { parsePacket } from '../packet/text.ts'
import { sshProgram } from '../translator/asm/ssh-program.ts'
import { kernelTest } from './needs-kernel.ts'

// A random program: r0 to r9 and four words of stack get random values, the body works on them, and in the end all of
// them are written to a map.
//
//   r10 -8, -16, -24, -32   the words
//   r10 -40 … -112          r0 to r9, at the end

const REGISTERS = 10
const WORDS = 4

const wordOffset = (word: number): number => -8 * (word + 1)

const kept: MapSpec = {
  name: 'kept',
  type: 'ARRAY',
  keySize: 4,
  valueSize: (REGISTERS + WORDS) * 8,
  maxEntries: 1,
  flags: 0,
  shared: false,
}

const indexes = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

const program = (values: readonly bigint[], body: readonly Instruction[]): ProgramSpec => {
  const slot = (index: number): number => wordOffset(WORDS + index)
  const instructions = [
    ...indexes(WORDS).flatMap(word => [
      loadImmediate64(r0, values[REGISTERS + word] ?? 0n),
      store('u64', r10, wordOffset(word), r0),
    ]),
    ...indexes(REGISTERS).map(index => loadImmediate64(registerOf(index), values[index] ?? 0n)),
    ...body,
    ...indexes(REGISTERS).map(index => store('u64', r10, slot(index), registerOf(index))),
    loadMapValue(r1, kept.name),
    ...indexes(REGISTERS + WORDS).flatMap(index => [
      load('u64', r2, r10, wordOffset(index)),
      store('u64', r1, index * 8, r2),
    ]),
    movImmediate(r0, 0),
    exit(),
  ]
  return {
    name: 'random',
    hook: 'tc-ingress',
    type: 'SCHED_CLS',
    license: 'Dual MIT/GPL',
    functions: [{ name: 'random', parameters: [{ name: 'ctx', type: { kind: 'context' } }], instructions }],
    maps: [kept],
  }
}

// Bodies. What the verifier refuses to look at (division by a constant zero, shifts by too much) is not generated.

const edges = [
  0n,
  1n,
  2n,
  7n,
  31n,
  32n,
  63n,
  0x7fn,
  0x80n,
  0x7fffn,
  0x8000n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  1n << 63n,
  (1n << 63n) - 1n,
  (1n << 64n) - 1n,
]
const value = fc.oneof(fc.constantFrom(...edges), fc.bigInt(0n, (1n << 64n) - 1n))
const immediate = fc.oneof(
  fc.constantFrom(-0x8000_0000, -1, 0, 1, 2, 8, 0x7f, 0xff, 0xffff, 0x7fff_ffff),
  fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
)
const register = fc.nat(REGISTERS - 1).map(registerOf)
const wideness = fc.constantFrom(Class.ALU, Class.ALU64)

const binary = [Alu.ADD, Alu.SUB, Alu.MUL, Alu.OR, Alu.AND, Alu.XOR, Alu.MOV] as const
const divisions = [Alu.DIV, Alu.MOD] as const
const shifts = [Alu.LSH, Alu.RSH, Alu.ARSH] as const

const withRegister = fc
  .record({ operation: fc.constantFrom(...binary, ...shifts), kind: wideness, dst: register, src: register })
  .map(({ operation, kind, dst, src }) => ({
    opcode: operation | kind | Source.X,
    dst,
    src,
    offset: 0,
    immediate: 0,
  }))

const withImmediate = fc
  .record({ operation: fc.constantFrom(...binary), kind: wideness, dst: register, immediate })
  .map(({ operation, kind, ...rest }) => ({ opcode: operation | kind, src: r0, offset: 0, ...rest }))

const shift = fc
  .record({ operation: fc.constantFrom(...shifts), kind: wideness, dst: register, count: fc.nat(63) })
  .map(({ operation, kind, dst, count }) => ({
    opcode: operation | kind,
    dst,
    src: r0,
    offset: 0,
    immediate: kind === Class.ALU ? count & 31 : count,
  }))

const division = fc
  .record({
    operation: fc.constantFrom(...divisions),
    kind: wideness,
    dst: register,
    src: register,
    offset: fc.constantFrom(0, 1),
    divisor: fc.option(immediate.filter(number => number !== 0)),
  })
  .map(({ operation, kind, dst, src, offset, divisor }) => ({
    opcode: operation | kind | (divisor === null ? Source.X : Source.K),
    dst,
    src: divisor === null ? src : r0,
    offset,
    immediate: divisor ?? 0,
  }))

const signExtension = fc
  .record({ kind: wideness, dst: register, src: register, offset: fc.constantFrom(8, 16, 32) })
  .map(({ kind, dst, src, offset }) => ({
    opcode: Alu.MOV | kind | Source.X,
    dst,
    src,
    offset: kind === Class.ALU && offset === 32 ? 16 : offset,
    immediate: 0,
  }))

const negation = fc
  .record({ kind: wideness, dst: register })
  .map(({ kind, dst }) => ({ opcode: Alu.NEG | kind, dst, src: r0, offset: 0, immediate: 0 }))

const byteOrder = fc
  .record({
    opcode: fc.constantFrom(Alu.END | Class.ALU | Source.X, Alu.END | Class.ALU, Alu.END | Class.ALU64),
    dst: register,
    immediate: fc.constantFrom(16, 32, 64),
  })
  .map(rest => ({ ...rest, src: r0, offset: 0 }))

const conditions = [
  Jmp.JEQ,
  Jmp.JGT,
  Jmp.JGE,
  Jmp.JSET,
  Jmp.JNE,
  Jmp.JSGT,
  Jmp.JSGE,
  Jmp.JLT,
  Jmp.JLE,
  Jmp.JSLT,
  Jmp.JSLE,
]

/** Over up to four instructions; the end of the body is taken care of below. */
const conditionalJump = fc
  .record({
    condition: fc.constantFrom(...conditions),
    kind: fc.constantFrom(Class.JMP, Class.JMP32),
    dst: register,
    src: register,
    offset: fc.integer({ min: 1, max: 4 }),
    constant: fc.option(immediate),
  })
  .map(({ condition, kind, dst, src, offset, constant }) => ({
    opcode: condition | kind | (constant === null ? Source.X : Source.K),
    dst,
    src: constant === null ? src : r0,
    offset,
    immediate: constant ?? 0,
  }))

const sizes = { [SizeBits.B]: 1, [SizeBits.H]: 2, [SizeBits.W]: 4, [SizeBits.DW]: 8 } as const
const size = fc.constantFrom(SizeBits.B, SizeBits.H, SizeBits.W, SizeBits.DW)

/** A place in the words, aligned to the size. */
const place = fc
  .record({ size, at: fc.nat(31) })
  .map(({ size, at }) => ({ size, offset: -32 + at - (at % sizes[size]) }))

const loading = fc.record({ place, dst: register, signed: fc.boolean() }).map(({ place, dst, signed }) => ({
  opcode: Class.LDX | place.size | (signed && place.size !== SizeBits.DW ? Mode.MEMSX : Mode.MEM),
  dst,
  src: r10,
  offset: place.offset,
  immediate: 0,
}))

const storing = fc
  .record({ place, src: register, constant: fc.option(immediate) })
  .map(({ place, src, constant }) => ({
    opcode: (constant === null ? Class.STX : Class.ST) | place.size | Mode.MEM,
    dst: r10,
    src: constant === null ? src : r0,
    offset: place.offset,
    immediate: constant ?? 0,
  }))

const atomics = [Atomic.ADD, Atomic.OR, Atomic.AND, Atomic.XOR].flatMap(operation => [
  operation,
  operation | Atomic.FETCH,
])

const atomic = fc
  .record({
    operation: fc.constantFrom(...atomics, Atomic.XCHG, Atomic.CMPXCHG),
    size: fc.constantFrom(SizeBits.W, SizeBits.DW),
    word: fc.nat(WORDS - 1),
    src: register,
  })
  .map(({ operation, size, word, src }) => ({
    opcode: Class.STX | Mode.ATOMIC | size,
    dst: r10,
    src,
    offset: wordOffset(word),
    immediate: operation,
  }))

const instruction: fc.Arbitrary<Instruction> = fc.oneof(
  withRegister,
  withImmediate,
  shift,
  division,
  signExtension,
  negation,
  byteOrder,
  conditionalJump,
  loading,
  storing,
  atomic,
)

/** No jump leads out of the body. */
const withinBody = (body: readonly Instruction[]): Instruction[] =>
  body.map((linked, index) => {
    const kind = linked.opcode & 7
    const isJump = kind === Class.JMP || kind === Class.JMP32
    return isJump ? { ...linked, offset: Math.min(linked.offset, body.length - index - 1) } : linked
  })

const packet = new Uint8Array(64)
const key = new Uint8Array(4)

const runInKernel = (spec: ProgramSpec): Uint8Array | undefined => {
  const map = createMap(kept)
  try {
    const loaded = loadProgram(spec, new Map([[kept.name, map]]))
    testRun(loaded, packet)
    closeProgram(loaded)
    return lookup(map, key)
  } finally {
    closeMap(map)
  }
}

const runHere = (spec: ProgramSpec): Uint8Array | undefined => {
  const vm = newVm([spec])
  vm.run('random', { kind: 'tc', packet, ifindex: 1, ingressIfindex: 1, protocol: 0x0800 })
  return vm.maps.get(kept.name)?.lookup(key)
}

kernelTest('random programs leave the same registers and memory as in the kernel', t => {
  fc.assert(
    fc.property(
      fc.array(value, { minLength: REGISTERS + WORDS, maxLength: REGISTERS + WORDS }),
      fc.array(instruction, { minLength: 1, maxLength: 60 }),
      (values, body) => {
        const spec = program(values, withinBody(body))
        t.deepEqual(runHere(spec), runInKernel(spec))
      },
    ),
    { numRuns: 300 },
  )
})

const frames = [
  'ether / ip src=192.0.2.1 dst=192.0.2.2 / tcp dport=22 flags=syn',
  'ether / ip src=192.0.2.1 dst=192.0.2.2 / tcp dport=23 flags=syn',
  'ether / ip src=192.0.2.1 dst=192.0.2.2 / udp dport=22',
  'ether / ip src=192.0.2.1 dst=192.0.2.2 / icmp type=8',
].map(text => build(parsePacket(text)))

const counterKey = (index: number): Uint8Array => Uint8Array.from([index, 0, 0, 0])

kernelTest('the same frames get the same verdicts as in the kernel', t => {
  for (const hook of ['xdp', 'tc-ingress'] as const) {
    const spec = sshProgram(hook)
    const maps = new Map<string, MapHandle>(spec.maps.map(map => [map.name, createMap(map)]))
    const loaded = loadProgram(spec, maps)
    const vm = newVm([spec])
    for (const frame of frames) {
      const input =
        hook === 'xdp'
          ? ({ kind: 'xdp', packet: frame, ifindex: 1 } as const)
          : ({ kind: 'tc', packet: frame, ifindex: 1, ingressIfindex: 1, protocol: 0x0800 } as const)
      t.is(vm.run('ssh', input).verdict, testRun(loaded, frame).retval)
    }
    t.deepEqual(
      [
        vm.maps.get('counters')?.lookup(counterKey(0))?.[0],
        vm.maps.get('counters')?.lookup(counterKey(1))?.[0],
      ],
      [1, 3],
    )
    closeProgram(loaded)
    for (const map of maps.values()) closeMap(map)
  }
})

// Maps.

interface Change {
  readonly kind: 'update' | 'delete'
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly flags: number
}

const changes = (key: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Change[]> =>
  fc.array(
    fc.record({
      kind: fc.constantFrom('update', 'update', 'update', 'delete'),
      key,
      value: fc.uint8Array({ minLength: 8, maxLength: 8 }),
      flags: fc.constantFrom(0, 0, 0, 1, 2),
    }),
    { maxLength: 40 },
  )

/** 0 or a negative errno, of a system call that throws errors with one. */
const resultOf = (run: () => boolean | undefined): number => {
  try {
    return run() === false ? -2 : 0
  } catch (error) {
    return -Number((error as { readonly errno?: number }).errno)
  }
}

const sameMaps = (t: ExecutionContext, spec: MapSpec, key: fc.Arbitrary<Uint8Array>): void => {
  fc.assert(
    fc.property(changes(key), fc.array(key), (steps, questions) => {
      const handle = createMap(spec)
      const map = newMap(spec)
      for (const { kind, key, value, flags } of steps) {
        const here = kind === 'update' ? map.update(key, value, flags) : map.delete(key)
        const there = resultOf(() => {
          if (kind === 'delete') return deleteElement(handle.fd, key)
          updateElement(handle.fd, key, value, BigInt(flags))
          return undefined
        })
        t.is(here, there, `${kind} ${key} ${flags}`)
      }
      for (const question of [...questions, ...steps.map(({ key }) => key)])
        t.deepEqual(map.lookup(question)?.slice(), lookup(handle, question))
      closeMap(handle)
    }),
    { numRuns: 40 },
  )
}

const shape = { keySize: 4, valueSize: 8, maxEntries: 6, shared: false } as const

const index = fc.integer({ min: 0, max: 7 }).map(counterKey)

kernelTest('hash maps take updates as in the kernel', t => {
  sameMaps(t, { name: 'hash', type: 'HASH', flags: 0, ...shape }, index)
})

kernelTest('arrays take updates as in the kernel', t => {
  sameMaps(t, { name: 'array', type: 'ARRAY', flags: 0, ...shape }, index)
})

kernelTest('tries find the longest prefix as in the kernel', t => {
  const prefix = fc
    .record({
      length: fc.integer({ min: 0, max: 33 }),
      bytes: fc.array(fc.constantFrom(0, 1, 0x80, 0xff), { minLength: 4, maxLength: 4 }),
    })
    .map(({ length, bytes }) => Uint8Array.from([length, 0, 0, 0, ...bytes]))
  sameMaps(t, { name: 'trie', type: 'LPM_TRIE', flags: 1, ...shape, keySize: 8, maxEntries: 12 }, prefix)
})
