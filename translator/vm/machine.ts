// What a run consists of, as instructions, helpers and kernel functions see it.

import type { Context } from './context.ts'
import { VmError } from './error.ts'
import type { FibAnswer, FibQuery } from './fib.ts'
import type { LinkedFunction, LinkedProgram } from './link.ts'
import type { VmMap } from './map.ts'
import { type Memory, newRegion, type Pointer, type Region } from './memory.ts'
import { highOf, lowOf, type Registers } from './register-file.ts'

/** What programs may ask of the world around them. */
export interface World {
  /** Answers bpf_fib_lookup; without it the helper is not supported. */
  readonly fibLookup?: (query: FibQuery) => FibAnswer
  /** Answers bpf_get_smp_processor_id; default 0. */
  readonly cpu?: number
  /** Nanoseconds, for bpf_ktime_get_ns and its like; default 0. */
  readonly now?: () => bigint
  /** 32 bits, for bpf_get_prandom_u32; without it the helper is not supported. */
  readonly random?: () => number
}

/** A function being run. */
export interface Frame {
  program: LinkedProgram
  fn: LinkedFunction
  /** The slot of the instruction being run; of a caller, the one to go on with. */
  slot: number
  /** r6 to r10 of the caller, by halves. */
  readonly saved: Uint32Array
}

export interface Machine {
  readonly registers: Registers
  readonly memory: Memory
  readonly context: Context
  readonly world: World
  readonly maps: ReadonlyMap<string, VmMap>
  /** The program in a slot of a PROG_ARRAY. */
  readonly tailCall: (map: string, index: number) => LinkedProgram | undefined
  readonly frames: Frame[]
  /** Regions that stand for maps. */
  readonly mapRegions: Map<VmMap, Region>
  /** Regions of map values. */
  readonly valueRegions: Map<Uint8Array, Region>
  tailCalls: number
}

export const argument = ({ registers }: Machine, number: 1 | 2 | 3 | 4 | 5): Pointer => ({
  low: lowOf(registers, number),
  high: highOf(registers, number),
})

export const isNull = ({ low, high }: Pointer): boolean => low === 0 && high === 0

/** The frame being run. */
export const currentFrame = ({ frames }: Machine): Frame => {
  const frame = frames.at(-1)
  if (!frame) throw new VmError('ERR_VM_CONTROL', 'no function is running')
  return frame
}

/** The address of a map, for the map helpers. */
export const mapAddress = (machine: Machine, name: string): Pointer => {
  const map = machine.maps.get(name)
  if (!map) throw new VmError('ERR_VM_ARGUMENT', `the program has no map ${name}`)
  const known = machine.mapRegions.get(map)
  const region = known ?? { ...newRegion(`map ${name}`, new Uint8Array(0), false), map }
  machine.mapRegions.set(map, region)
  return machine.memory.map(region)
}

/** The map an argument points to. */
export const mapArgument = (machine: Machine, number: 1 | 2): VmMap => {
  const { low, high } = argument(machine, number)
  const map = machine.memory.find(low, high)?.region.map
  if (!map) throw new VmError('ERR_VM_ARGUMENT', `r${number} is no map`)
  return map
}

/** The address of a value in a map, the same whenever it is asked for. */
export const valueAddress = (machine: Machine, { spec }: VmMap, value: Uint8Array, offset = 0): Pointer => {
  const region = machine.valueRegions.get(value) ?? newRegion(`a value of map ${spec.name}`, value, true)
  machine.valueRegions.set(value, region)
  return machine.memory.map(region, offset)
}
