import test from 'ava'
import { jumpDistance } from '../../../translator/asm/encode.ts'
import { AssemblyError } from '../../../translator/asm/error.ts'
import { withFillers } from '../../../translator/asm/filler.ts'
import type { Instruction } from '../../../translator/asm/instruction.ts'
import { EXIT, JA, slotsOf } from '../../../translator/asm/opcode.ts'
import { randomChains } from '../../kernel/harness/random-chains.ts'
import { compileText } from '../compile.ts'

/** Where every jump leads, fillers passed over, as an index among what is no filler; and how many fillers stand before what jumps back and what does not. */
function wayOf(instructions: readonly Instruction[], isFiller: (instruction: Instruction) => boolean) {
  const slots: number[] = []
  for (const [at, { opcode }] of instructions.entries())
    for (let slot = 0; slot < slotsOf(opcode); slot++) slots.push(at)
  const own = instructions.filter(one => !isFiller(one))
  const places = new Map(own.map((one, at) => [one, at]))
  let slot = 0
  const targets = instructions.flatMap(one => {
    const next = slot + slotsOf(one.opcode)
    slot = next
    const distance = jumpDistance(one)
    if (isFiller(one) || distance === undefined) return []
    let at = slots[next + distance] ?? instructions.length
    for (let target = instructions[at]; target && isFiller(target); target = instructions[at]) at++
    const target = instructions[at]
    return [target ? places.get(target) : own.length]
  })
  return { own: own.map(({ opcode, dst, src }) => [opcode, dst, src]), targets }
}

const isRoom = ({ origin }: Instruction): boolean => origin?.comment === 'room for the JIT compiler'

const functions = [1, 2, 3].flatMap(seed =>
  (['netfilter', 'xdp', 'tc'] as const).flatMap(hook =>
    compileText(
      randomChains({ seed, family: 6, chains: 12, depth: 3, listed: 20, pods: 10 }),
      6,
      hook,
    ).flatMap(({ spec }) => spec.functions),
  ),
)

for (const count of [1, 2, 5])
  test(`${count} before each jump back: every jump leads where it led`, t => {
    let fillers = 0
    for (const { instructions } of functions) {
      const filled = withFillers(instructions, count)
      t.deepEqual(
        wayOf(filled, isRoom),
        wayOf(instructions, () => false),
      )
      fillers += filled.length - instructions.length
    }
    t.true(fillers > 100 * count)
    t.is(fillers % count, 0)
  })

const plain = { dst: 0, src: 0, immediate: 0 } as const
const to = (offset: number): Instruction => ({ ...plain, opcode: JA, offset }) as Instruction
const exit = { ...plain, opcode: EXIT, offset: 0 } as Instruction

test('exits but the first jump back too, and so does a loop', t => {
  const isFilled = withFillers([to(1), exit, to(-2), exit], 1).map(isRoom)
  t.deepEqual(isFilled, [false, false, true, false, true, false])
})

test('a jump that reaches no more is an error', t => {
  const body = Array.from({ length: 0x7fff }, (_, at) => (at === 5 ? to(-3) : to(0)))
  t.throws(() => withFillers([to(0x7fff), ...body, exit], 1), { instanceOf: AssemblyError })
})
