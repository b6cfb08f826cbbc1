// What of a classic program has a meaning that only the kernel's own socket buffer gives it: loads of what travels with the packet, and from before its network header.

import { type CbpfInstruction, cbpf } from 'iptables-parser'

const { alu, ancillary, misc, mode, operation, X } = cbpf

/** From here on an offset counts from another header. */
const NEGATIVE = 0x8000_0000
const ALL = 0xffff_ffff

/** The most that the registers and memory can hold, whichever way the program came. */
interface Bounds {
  readonly a: number
  readonly x: number
  readonly memory: readonly number[]
}

/** Why a checked program cannot be translated; undefined where it can. */
export function cbpfObstacle(program: readonly CbpfInstruction[]): string | undefined {
  // all jumps go forward, so what reaches an instruction is known when it is its turn
  const reaching: (Bounds | undefined)[] = [{ a: 0, x: 0, memory: [] }]
  for (const [index, instruction] of program.entries()) {
    const bounds = reaching[index]
    if (!bounds) continue
    const obstacle = loadObstacle(instruction, bounds)
    if (obstacle) return `instruction ${index} of the program ${obstacle}`
    const after = behind(instruction, bounds)
    for (const over of waysOn(instruction))
      reaching[index + 1 + over] = joined(reaching[index + 1 + over], after)
  }
  return undefined
}

function loadObstacle({ code, k }: CbpfInstruction, { x }: Bounds): string | undefined {
  if ((code & 7) !== operation.ld && (code & 7) !== operation.ldx) return undefined
  const from = code & 0xe0
  if (from === mode.ind && x + k >= NEGATIVE) return 'may load from before the packet'
  if (from !== mode.abs && from !== mode.msh) return undefined
  if (from === mode.abs && k >= cbpf.ANCILLARY)
    return isTold(k - cbpf.ANCILLARY) ? undefined : 'asks for what travels with the packet'
  return k >= NEGATIVE ? 'loads from before the packet' : undefined
}

const isTold = (what: number): boolean => what === ancillary.protocol || what === ancillary.xor

/** How many instructions may be passed over behind one. */
function waysOn({ code, jt, jf, k }: CbpfInstruction): readonly number[] {
  if ((code & 7) === operation.ret) return []
  if ((code & 7) !== operation.jmp) return [0]
  return (code & 0xf0) === cbpf.jump.always ? [k] : [jt, jf]
}

const joined = (one: Bounds | undefined, other: Bounds): Bounds =>
  one
    ? {
        a: Math.max(one.a, other.a),
        x: Math.max(one.x, other.x),
        memory: Array.from({ length: cbpf.MEMORY_WORDS }, (_, word) =>
          Math.max(one.memory[word] ?? 0, other.memory[word] ?? 0),
        ),
      }
    : other

function behind(instruction: CbpfInstruction, bounds: Bounds): Bounds {
  const { code, k } = instruction
  const { a, x, memory } = bounds
  switch (code & 7) {
    case operation.ld:
      return { ...bounds, a: mostLoaded(instruction, memory) }
    case operation.ldx:
      return { ...bounds, x: mostLoaded(instruction, memory) }
    case operation.st:
      return { ...bounds, memory: withWord(memory, k, a) }
    case operation.stx:
      return { ...bounds, memory: withWord(memory, k, x) }
    case operation.alu:
      return { ...bounds, a: mostComputed(instruction, bounds) }
    case operation.misc:
      return code === misc.tax ? { ...bounds, x: a } : { ...bounds, a: x }
    default:
      return bounds
  }
}

const withWord = (memory: readonly number[], word: number, value: number): readonly number[] =>
  Array.from({ length: cbpf.MEMORY_WORDS }, (_, index) => (index === word ? value : (memory[index] ?? 0)))

const MOST_HEADER = 60

function mostLoaded({ code, k }: CbpfInstruction, memory: readonly number[]): number {
  switch (code & 0xe0) {
    case mode.imm:
      return k
    case mode.mem:
      return memory[k] ?? 0
    case mode.msh:
      return MOST_HEADER
    case mode.len:
      return ALL
    default:
      if ((code & 0x18) === cbpf.size.byte) return 0xff
      return (code & 0x18) === cbpf.size.half ? 0xffff : ALL
  }
}

/** All where it may wrap around. */
function mostComputed({ code, k }: CbpfInstruction, { a, x }: Bounds): number {
  const most = code & X ? x : k
  const within = (value: number): number => (value <= ALL ? value : ALL)
  switch (code & 0xf0) {
    case alu.add:
      return within(a + most)
    case alu.mul:
      return within(a * most)
    case alu.and:
      return Math.min(a, most)
    case alu.or:
    case alu.xor:
      return 2 ** (32 - Math.clz32(Math.max(a, most))) - 1
    case alu.lsh:
      return code & X ? ALL : within(a * 2 ** k)
    case alu.rsh:
      return code & X ? a : a >>> k
    case alu.div:
      return code & X ? a : Math.floor(a / k)
    case alu.mod:
      return most > 0 ? Math.min(a, most - 1) : a
    default:
      return ALL
  }
}
