// Loads, stores and atomics.

import { Atomic, LoadSource, Mode, modeOf, SizeBits, sizeOf } from '../asm/opcode.ts'
import { VmError } from './error.ts'
import type { LinkedInstruction } from './link.ts'
import { type Machine, mapAddress, valueAddress } from './machine.ts'
import { loadNumber, type Place, type Pointer, requirePlace, storeNumber } from './memory.ts'
import { highOf, lowOf, setRegister, setSigned } from './register-file.ts'

const bytesOf = (opcode: number): 1 | 2 | 4 | 8 => {
  const size = sizeOf(opcode)
  if (size === SizeBits.B) return 1
  if (size === SizeBits.H) return 2
  return size === SizeBits.W ? 4 : 8
}

/** base + offset, with the carry between the halves. */
const addressOf = ({ registers }: Machine, base: number, offset: number): Pointer => {
  const low = lowOf(registers, base) + offset
  const carry = low > 0xffff_ffff ? 1 : low < 0 ? -1 : 0
  return { low: low >>> 0, high: (highOf(registers, base) + carry) >>> 0 }
}

const loadField = ({ region, offset }: Place, size: number): Pointer => {
  const value = region.fields?.read(offset, size)
  if (!value) throw new VmError('ERR_VM_MEMORY', `${size} bytes at offset ${offset} of ${region.name}`)
  return value
}

/**
 * dst = memory. A load of a kernel member through a pointer that leads nowhere gives zero, as in the kernel
 * (BPF_PROBE_MEM).
 */
export const runLoad = (machine: Machine, linked: LinkedInstruction): void => {
  const { opcode, dst, src, offset, instruction } = linked
  const { registers, memory } = machine
  const size = bytesOf(opcode)
  const address = addressOf(machine, src, offset)
  if (instruction.relocation?.kind === 'member' && !memory.find(address.low, address.high)) {
    setRegister(registers, dst, 0, 0)
    return
  }
  const place = requirePlace(memory, address, size)
  const { low, high } = place.region.fields ? loadField(place, size) : loadNumber(place, size)
  if (modeOf(opcode) !== Mode.MEMSX) setRegister(registers, dst, low, high)
  else setSigned(registers, dst, (low << (32 - size * 8)) >> (32 - size * 8))
}

const storeAt = (machine: Machine, address: Pointer, size: number, value: Pointer): void => {
  const place = requirePlace(machine.memory, address, size, true)
  const { fields, name } = place.region
  if (!fields) storeNumber(place, size, value)
  else if (!fields.write(place.offset, size, value.low))
    throw new VmError('ERR_VM_MEMORY', `${name} cannot be written at offset ${place.offset}`)
}

/** memory = src */
export const runStore = (machine: Machine, { opcode, dst, src, offset }: LinkedInstruction): void => {
  const value = { low: lowOf(machine.registers, src), high: highOf(machine.registers, src) }
  storeAt(machine, addressOf(machine, dst, offset), bytesOf(opcode), value)
}

/** memory = immediate */
export const runStoreImmediate = (
  machine: Machine,
  { opcode, dst, offset, low, high }: LinkedInstruction,
): void => storeAt(machine, addressOf(machine, dst, offset), bytesOf(opcode), { low, high })

const wide = ({ low, high }: Pointer): bigint => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)

const halves = (value: bigint): Pointer => ({
  low: Number(BigInt.asUintN(32, value)),
  high: Number(BigInt.asUintN(32, value >> 32n)),
})

/** What an atomic operation leaves in memory; undefined for one that does not exist. */
const combine = (operation: number, old: bigint, operand: bigint): bigint | undefined => {
  switch (operation & ~Atomic.FETCH) {
    case Atomic.ADD:
      return old + operand
    case Atomic.OR:
      return old | operand
    case Atomic.AND:
      return old & operand
    case Atomic.XOR:
      return old ^ operand
    case Atomic.XCHG & ~Atomic.FETCH:
      return operand
    default:
      return undefined
  }
}

const setPointer = (machine: Machine, register: number, { low, high }: Pointer): void =>
  setRegister(machine.registers, register, low, high)

const operandOf = ({ registers }: Machine, register: number, size: number): Pointer => ({
  low: lowOf(registers, register),
  high: size === 8 ? highOf(registers, register) : 0,
})

/** An atomic read, change and write of 4 or 8 bytes. */
export const runAtomic = (
  machine: Machine,
  { opcode, dst, src, offset, low: operation }: LinkedInstruction,
): void => {
  const size = bytesOf(opcode)
  if (size < 4) throw new VmError('ERR_VM_ARGUMENT', 'atomics are of 4 or 8 bytes')
  const place = requirePlace(machine.memory, addressOf(machine, dst, offset), size, true)
  if (place.region.fields) throw new VmError('ERR_VM_MEMORY', `${place.region.name} takes no atomics`)
  const old = loadNumber(place, size)
  const operand = operandOf(machine, src, size)
  if (operation === Atomic.CMPXCHG) {
    const same = wide(old) === wide(operandOf(machine, 0, size))
    if (same) storeNumber(place, size, operand)
    setPointer(machine, 0, old)
    return
  }
  const result = combine(operation, wide(old), wide(operand))
  if (result === undefined)
    throw new VmError('ERR_VM_ARGUMENT', `no atomic operation 0x${operation.toString(16)}`)
  storeNumber(place, size, halves(result))
  if ((operation & Atomic.FETCH) !== 0) setPointer(machine, src, old)
}

const mapValueAddress = (machine: Machine, name: string, offset: number): Pointer => {
  const map = machine.maps.get(name)
  const value = map?.lookup(new Uint8Array(4))
  if (!map || !value) throw new VmError('ERR_VM_ARGUMENT', `the program has no array ${name}`)
  return valueAddress(machine, map, value, offset)
}

/** 64 bits: a number, a map, or an address in the value of a map. */
const wideValue = (machine: Machine, { src, low, high, instruction }: LinkedInstruction): Pointer => {
  const { relocation } = instruction
  if (relocation?.kind === 'map') return mapAddress(machine, relocation.map)
  if (relocation?.kind === 'map-value') return mapValueAddress(machine, relocation.map, relocation.offset)
  if (src === LoadSource.NUMBER) return { low, high }
  throw new VmError('ERR_VM_ARGUMENT', 'a map without a name')
}

/** dst = 64 bits */
export const runLoadImmediate64 = (machine: Machine, linked: LinkedInstruction): void =>
  setPointer(machine, linked.dst, wideValue(machine, linked))
