// A BPF interpreter: runs programs on packets without a kernel.
//
//   const vm = newVm([program], { world: { fibLookup } })
//   const { verdict } = vm.run('ssh', { kind: 'xdp', packet, ifindex: 1 })
//   vm.maps.get('counters')?.entries()
//
// It checks what the verifier would: an access outside of what the program has been given ends the run with an error
// that names the instruction. It does not check all paths, only the one taken.

import type { MapSpec, ProgramSpec } from '../program.ts'
import { newContext, type VmInput } from './context.ts'
import { VmError, type VmPlace } from './error.ts'
import { interpret, type Trace } from './interpreter.ts'
import { type LinkedProgram, linkProgram, placeOf } from './link.ts'
import type { Machine, World } from './machine.ts'
import { newMap, type VmMap } from './map.ts'
import { newMemory } from './memory.ts'
import { lowOf, newRegisters } from './register-file.ts'

export interface VmOptions {
  readonly world?: World
  /** Maps to use for those of the same name, e.g. of another interpreter; the others are made new. */
  readonly maps?: ReadonlyMap<string, VmMap>
  /** Instructions one run may take; default a million. */
  readonly limit?: number
}

export interface VmResult {
  /** r0 of the program, as a signed number of 32 bits. */
  readonly verdict: number
  /** Instructions run. */
  readonly instructions: number
  /** The packet as the program left it. */
  readonly packet: Uint8Array
  /** The skb's mark as the program left it. */
  readonly mark: number
}

export interface Vm {
  readonly maps: ReadonlyMap<string, VmMap>
  /** Put a program into a slot of a PROG_ARRAY, or with undefined none. */
  readonly setTailCall: (map: string, index: number, program: string | undefined) => void
  /**
   * Run a program, by name. `trace` is told of each instruction before it is run.
   * @throws VmError naming the instruction at fault
   */
  readonly run: (program: string, input: VmInput, trace?: (place: VmPlace) => void) => VmResult
}

const sameShape = (a: MapSpec, b: MapSpec): boolean =>
  a.type === b.type && a.keySize === b.keySize && a.valueSize === b.valueSize && a.maxEntries === b.maxEntries

/** The maps of all programs; those of one name are one. */
const makeMaps = (
  programs: readonly ProgramSpec[],
  given: ReadonlyMap<string, VmMap>,
): Map<string, VmMap> => {
  const maps = new Map<string, VmMap>()
  for (const spec of programs.flatMap(program => program.maps)) {
    const known = maps.get(spec.name) ?? given.get(spec.name)
    if (known && !sameShape(known.spec, spec))
      throw new VmError('ERR_VM_ARGUMENT', `two different maps are called ${spec.name}`)
    maps.set(spec.name, known ?? newMap(spec))
  }
  return maps
}

const kindOfType = { XDP: 'xdp', SCHED_CLS: 'tc', NETFILTER: 'netfilter' } as const

const tell = (trace: (place: VmPlace) => void): Trace => {
  return ({ program, fn, slot }) => trace(placeOf(program, fn, slot))
}

/**
 * An interpreter for programs that may share maps and call one another's tails.
 * @throws VmError for maps that contradict one another or whose contents do not fit
 */
export const newVm = (programs: readonly ProgramSpec[], options: VmOptions = {}): Vm => {
  const maps = makeMaps(programs, options.maps ?? new Map())
  const linked = new Map(programs.map(program => [program.name, linkProgram(program)]))
  const tails = new Map<string, Map<number, LinkedProgram>>()
  const find = (name: string): LinkedProgram => {
    const program = linked.get(name)
    if (!program) throw new VmError('ERR_VM_ARGUMENT', `no program ${name}`)
    return program
  }
  const newMachine = (input: VmInput): Machine => {
    const memory = newMemory()
    return {
      registers: newRegisters(),
      memory,
      context: newContext(memory, input),
      world: options.world ?? {},
      maps,
      tailCall: (map, index) => tails.get(map)?.get(index),
      frames: [],
      mapRegions: new Map(),
      valueRegions: new Map(),
      tailCalls: 0,
    }
  }
  return {
    maps,
    setTailCall: (map, index, program) => {
      const spec = maps.get(map)?.spec
      if (spec?.type !== 'PROG_ARRAY' || index >= spec.maxEntries)
        throw new VmError('ERR_VM_ARGUMENT', `no slot ${index} for programs in map ${map}`)
      const slots = tails.get(map) ?? new Map<number, LinkedProgram>()
      tails.set(map, slots)
      if (program === undefined) slots.delete(index)
      else slots.set(index, find(program))
    },
    run: (name, input, trace) => {
      const program = find(name)
      if (kindOfType[program.spec.type] !== input.kind)
        throw new VmError('ERR_VM_ARGUMENT', `program ${name} is not for ${input.kind}`)
      const machine = newMachine(input)
      const instructions = interpret(machine, program, options.limit ?? 1_000_000, trace && tell(trace))
      const { context, registers } = machine
      return { verdict: lowOf(registers, 0) | 0, instructions, packet: context.packet, mark: context.mark() }
    },
  }
}
