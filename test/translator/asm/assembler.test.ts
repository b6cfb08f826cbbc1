import test from 'ava'
import fc from 'fast-check'
import { addImmediate, mov32, movImmediate, movImmediate32 } from '../../../translator/asm/alu.ts'
import { type Assembler, createAssembler } from '../../../translator/asm/assembler.ts'
import { encode, jumpDistance, slotCount } from '../../../translator/asm/encode.ts'
import type { Instruction } from '../../../translator/asm/instruction.ts'
import { exit, immediate, jump, jumpIf, register } from '../../../translator/asm/jump.ts'
import { load, loadImmediate64, store, storeImmediate } from '../../../translator/asm/memory.ts'
import { EXIT, GOTOL, JA, slotsOf } from '../../../translator/asm/opcode.ts'
import { r0, r1, r2, r10 } from '../../../translator/asm/register.ts'
import { cautiousJumps, type JumpOptions, plainJumps } from '../../../translator/asm/relax.ts'

test('a jump counts slots, not instructions', t => {
  const assembler = createAssembler()
  const end = assembler.label('end')
  assembler.emit(jumpIf('==', r1, immediate(5), end), loadImmediate64(r0, 1n), movImmediate(r0, 2))
  assembler.place(end)
  assembler.emit(exit())
  t.deepEqual(
    assembler.assemble().map(({ offset, label }) => ({ offset, label })),
    [
      { offset: 3, label: undefined },
      { offset: 0, label: undefined },
      { offset: 0, label: undefined },
      { offset: 0, label: 'end' },
    ],
  )
})

test('a backward jump is negative', t => {
  const assembler = createAssembler()
  const again = assembler.label('again')
  assembler.place(again)
  assembler.emit(addImmediate(r0, 1), jumpIf('<', r0, register(r1), again, 32), exit())
  t.is(assembler.assemble()[1]?.offset, -2)
})

test('assembling twice gives the same', t => {
  const assembler = createAssembler()
  const end = assembler.label()
  assembler.emit(jump(end))
  assembler.place(end)
  assembler.emit(exit())
  t.deepEqual(assembler.assemble(), assembler.assemble())
})

test('what control cannot get to is left out', t => {
  const assembler = createAssembler()
  const end = assembler.label('end')
  assembler.emit(jump(end), movImmediate(r0, 1), exit())
  assembler.place(end)
  assembler.emit(exit(), movImmediate(r0, 2))
  t.deepEqual(
    assembler.assemble().map(({ opcode, offset, label }) => ({ opcode, offset, label })),
    [
      { opcode: JA, offset: 0, label: undefined },
      { opcode: EXIT, offset: 0, label: 'end' },
    ],
  )
})

test('labels get names of their own', t => {
  const assembler = createAssembler()
  const names = ['next', 'next', 'next.2', 'next', 'next.2'].map(name => assembler.label(name).name)
  t.is(new Set(names).size, names.length)
  t.deepEqual(names.slice(0, 2), ['next', 'next.2'])
})

test('labels placed twice, never, elsewhere or behind the end are refused', t => {
  const refused = (build: (assembler: Assembler) => void, message: RegExp) =>
    t.throws(
      () => {
        const assembler = createAssembler()
        build(assembler)
        assembler.assemble()
      },
      { code: 'ERR_ASM_LABEL', message },
    )
  refused(assembler => {
    const label = assembler.label('here')
    assembler.place(label)
    assembler.place(label)
  }, /here is placed twice/)
  refused(assembler => assembler.emit(jump(assembler.label('nowhere'))), /nowhere is never placed/)
  refused(assembler => void assembler.label('unused'), /unused is never placed/)
  refused(assembler => assembler.emit(jump(createAssembler().label('foreign'))), /foreign belongs to another/)
  refused(assembler => assembler.place(createAssembler().label('foreign')), /foreign belongs to another/)
  refused(assembler => {
    const end = assembler.label('end')
    assembler.emit(jump(end))
    assembler.place(end)
  }, /end stands at no instruction/)
})

test('origins nest, and the inner one wins', t => {
  const assembler = createAssembler()
  assembler.emit(movImmediate(r0, 0))
  const result = assembler.withOrigin({ rule: 7, comment: 'outer' }, () => {
    assembler.emit(movImmediate(r0, 1))
    assembler.withOrigin({ comment: 'inner' }, () => assembler.emit(movImmediate(r0, 2)))
    assembler.emit({ ...movImmediate(r0, 3), origin: { comment: 'own' } })
    return 'result'
  })
  assembler.emit(exit())
  t.is(result, 'result')
  t.deepEqual(
    assembler.assemble().map(({ origin }) => origin),
    [
      undefined,
      { rule: 7, comment: 'outer' },
      { rule: 7, comment: 'inner' },
      { rule: 7, comment: 'own' },
      undefined,
    ],
  )
})

test('an origin ends with its body, also when that throws', t => {
  const assembler = createAssembler()
  t.throws(() =>
    assembler.withOrigin({ rule: 1 }, () => {
      throw new Error('no')
    }),
  )
  assembler.emit(exit())
  t.deepEqual(assembler.assemble(), [exit()])
})

test('numbers that do not fit are refused where they are written', t => {
  const refused = (make: () => Instruction) => t.throws(make, { code: 'ERR_ASM_RANGE' })
  refused(() => load('u8', r1, r2, 0x8000))
  refused(() => load('u8', r1, r2, -0x8001))
  refused(() => load('u8', r1, r2, 1.5))
  refused(() => store('u8', r10, Number.NaN, r1))
  refused(() => movImmediate(r1, 0x8000_0000))
  refused(() => movImmediate(r1, -0x8000_0001))
  refused(() => movImmediate32(r1, 0x1_0000_0000))
  refused(() => storeImmediate('u64', r10, -8, 0xffff_ffff))
  refused(() => loadImmediate64(r1, 1n << 64n))
  refused(() => loadImmediate64(r1, -(1n << 63n) - 1n))
  refused(() => loadImmediate64(r1, 2 ** 60))
  refused(() => jumpIf('==', r1, immediate(0xffff_ffff), createAssembler().label()))
})

test('a 32-bit immediate may be written unsigned', t => {
  t.is(movImmediate32(r1, 0xffff_ffff).immediate, -1)
  t.is(jumpIf('==', r1, immediate(0xc0a8_0000), createAssembler().label(), 32).immediate, 0xc0a8_0000 | 0)
  t.is(storeImmediate('u32', r10, -4, 0xffff_fffe).immediate, -2)
  t.is(loadImmediate64(r1, (1n << 64n) - 1n).immediate, -1n)
})

// Far jumps. A program is described by what each of its statements does; every statement carries its number as the
// rule of its origin, so that what the assembler added can be told from what was asked for.

interface Step {
  readonly kind: 'plain' | 'wide' | 'jump' | 'branch' | 'exit'
  readonly target: number
}

/** Encoding checks that every offset fits its field. */
const build = (steps: readonly Step[], options: JumpOptions): Instruction[] => {
  const assembler = createAssembler()
  const targets = new Set(
    steps.flatMap(({ kind, target }) => (kind === 'jump' || kind === 'branch' ? [target] : [])),
  )
  const labels = new Map([...targets].map(target => [target, assembler.label(`s${target}`)]))
  const labelOf = (target: number) => labels.get(target) ?? assembler.label()
  for (const [rule, { kind, target }] of steps.entries()) {
    const label = labels.get(rule)
    if (label) assembler.place(label)
    assembler.withOrigin({ rule }, () => {
      if (kind === 'plain') assembler.emit(mov32(r0, r1))
      else if (kind === 'wide') assembler.emit(loadImmediate64(r0, 1n))
      else if (kind === 'exit') assembler.emit(exit())
      else if (kind === 'jump') assembler.emit(jump(labelOf(target)))
      else assembler.emit(jumpIf('&', r0, immediate(1), labelOf(target)))
    })
  }
  const instructions = assembler.assemble(options)
  encode(instructions)
  return instructions
}

/** No statement: control leads out of the function, or round in circles. */
const NOWHERE = -1

interface Graph {
  /** For each instruction asked for: its statement, and those it falls through and jumps to, where it does. */
  readonly edges: readonly (readonly [rule: number, next: number | undefined, target: number | undefined])[]
  /** How many of the added instructions nothing leads to. */
  readonly unreached: number
}

/** Where each statement leads, following what the assembler added. */
const follow = (instructions: readonly Instruction[]): Graph => {
  const atSlot: (Instruction | undefined)[] = []
  const slots = instructions.map(instruction => {
    const slot = atSlot.push(instruction) - 1
    if (slotsOf(instruction.opcode) === 2) atSlot.push(undefined)
    return slot
  })
  const reached = new Uint8Array(atSlot.length)
  const ruleAt = (start: number): number => {
    for (let at = start, hops = 0; hops < 1000; hops++) {
      const instruction = atSlot[at]
      if (!instruction) return NOWHERE
      reached[at] = 1
      if (instruction.origin?.rule !== undefined) return instruction.origin.rule
      at += (jumpDistance(instruction) ?? 0) + 1
    }
    return NOWHERE
  }
  const edges: [number, number | undefined, number | undefined][] = []
  for (const [index, instruction] of instructions.entries()) {
    const { opcode, origin } = instruction
    if (origin?.rule === undefined) continue
    const at = slots[index] ?? 0
    const distance = jumpDistance(instruction)
    const falls = opcode !== JA && opcode !== GOTOL && opcode !== EXIT
    const next = falls ? ruleAt(at + slotsOf(opcode)) : undefined
    edges.push([origin.rule, next, distance === undefined ? undefined : ruleAt(at + distance + 1)])
  }
  const added = instructions.filter(
    ({ origin }, index) => origin?.rule === undefined && !reached[slots[index] ?? 0],
  )
  return { edges, unreached: added.length }
}

/** The steps that control can get to from the first: the assembler leaves out the others. */
const reachedSteps = (steps: readonly Step[]): Uint8Array => {
  const reached = new Uint8Array(steps.length)
  const pending = [0]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const step = steps[at]
    if (!step || reached[at]) continue
    reached[at] = 1
    if (step.kind === 'jump' || step.kind === 'branch') pending.push(step.target)
    if (step.kind !== 'jump' && step.kind !== 'exit') pending.push(at + 1)
  }
  return reached
}

/** Every statement leads where it should, none is missing, and nothing was added that nothing leads to. */
const sameGraph = (steps: readonly Step[], instructions: readonly Instruction[]): boolean => {
  const { edges, unreached } = follow(instructions)
  const reached = reachedSteps(steps)
  const rightEdges = edges.every(([rule, next, target]) => {
    const step = steps[rule]
    const falls = step?.kind !== 'jump' && step?.kind !== 'exit'
    const jumps = step?.kind === 'jump' || step?.kind === 'branch'
    return next === (falls ? rule + 1 : undefined) && target === (jumps ? step.target : undefined)
  })
  const order = edges.every(
    ([rule], index) => reached[rule] && (index === 0 || rule > (edges[index - 1]?.[0] ?? 0)),
  )
  return rightEdges && order && unreached === 0 && edges.length === reached.reduce((sum, one) => sum + one, 0)
}

/** A jump of 16 bits goes no farther than it may. */
const isWithin = (instruction: Instruction, reach: number): boolean => {
  const distance = instruction.opcode === GOTOL ? 0 : (jumpDistance(instruction) ?? 0)
  return distance >= ~reach && distance <= reach
}

const plain: Step = { kind: 'plain', target: 0 }
const last: Step = { kind: 'exit', target: 0 }
const line = (length: number): Step[] => Array.from({ length }, () => plain)

const jumpOptions: readonly (readonly [name: string, options: JumpOptions])[] = [
  ['gotol', plainJumps],
  ['trampoline', { ...plainJumps, farJumps: 'trampoline' }],
  ['cautious', cautiousJumps],
]

for (const [name, options] of jumpOptions) {
  const { reach } = options
  test(`${name}: the farthest plain jump stays plain, one further does not`, t => {
    const near = [{ kind: 'branch', target: reach + 1 } as const, ...line(reach), last]
    const grows = (steps: readonly Step[], added: number) => {
      const instructions = build(steps, options)
      t.is(instructions.length, steps.length + added)
      t.true(sameGraph(steps, instructions))
    }
    grows(near, 0)
    const far = [{ kind: 'branch', target: reach + 2 } as const, ...line(reach + 1), last]
    grows(far, 2)
    const back = [...line(reach), { kind: 'branch', target: 0 } as const, last]
    grows(back, 0)
    const farBack = [...line(reach + 1), { kind: 'branch', target: 0 } as const, last]
    grows(farBack, 2)
  })

  test(`${name}: jumps with the same target share an entry, and islands stand where nothing falls into them`, t => {
    const blocks = Array.from({ length: 40_000 }, (_, block): Step[] => [
      { kind: 'branch', target: 120_000 },
      plain,
      { kind: 'jump', target: 3 * block + 3 },
    ])
    const steps = [...blocks.flat(), last]
    const instructions = build(steps, options)
    t.true(instructions.length - steps.length <= (16 * 0x7fff) / reach)
    t.true(sameGraph(steps, instructions))
  })

  test(`${name}: random programs keep their graph`, t => {
    const step = fc.record({
      kind: fc.constantFrom<Step['kind'][]>('plain', 'wide', 'jump', 'branch', 'exit'),
      target: fc.nat(),
      fill: fc.constantFrom(0, 1, 100, 5000, 16_380, 33_000),
    })
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 24 }), drawn => {
        const spread = drawn.flatMap(({ kind, target, fill }) => [...line(fill), { kind, target }])
        const steps = [
          ...spread.map(({ kind, target }) => ({ kind, target: target % (spread.length + 1) })),
          last,
        ]
        const instructions = build(steps, options)
        t.true(sameGraph(steps, instructions))
        t.true(instructions.every(one => isWithin(one, reach)))
      }),
      { numRuns: 10 },
    )
  })

  test(`${name}: half a million instructions`, t => {
    const size = 500_000
    // A balanced tree in preorder: far jumps to the right, leaves that go to one of two ends.
    const steps: Step[] = []
    const tree = (leaves: number): void => {
      if (leaves === 1) {
        steps.push(plain, {
          kind: 'jump',
          target: size + ((Math.imul(steps.length, 0x9e37_79b1) >>> 31) & 1),
        })
        return
      }
      const at = steps.length
      steps.push(plain)
      tree(leaves >> 1)
      steps[at] = { kind: 'branch', target: steps.length }
      tree(leaves - (leaves >> 1))
    }
    tree(166_667)
    steps.push(...line(size - steps.length), last, last)
    t.is(steps.length, size + 2)
    const instructions = build(steps, options)
    t.true(sameGraph(steps, instructions))
    t.true(slotCount(instructions) < size * 1.05)
  })
}

test('without gotol no 32-bit jump is made', t => {
  const steps = [{ kind: 'branch', target: 70_000 } as const, ...line(70_000), last]
  t.false(build(steps, cautiousJumps).some(({ opcode }) => opcode === GOTOL))
  t.true(build(steps, plainJumps).some(({ opcode }) => opcode === GOTOL))
})
