// Kernel functions, as far as packet filters call them.

import { VmError } from './error.ts'
import { argument, isNull, type Machine } from './machine.ts'
import { loadNumber, nullPointer, type Pointer, requirePlace, storeNumber, writeBytes } from './memory.ts'
import { setRegister } from './register-file.ts'

type Kfunc = (machine: Machine) => number | Pointer

const EINVAL = -22

/** What stands in the 16 bytes of a dynptr here: this mark, and how long the packet is. */
const DYNPTR_MARK: Pointer = { low: 0x6e79_6421, high: 0x7074_7221 }
const DYNPTR_SIZE = 16

/** Of the packet: r1 skb, r2 flags, r3 the dynptr. */
const dynptrFromPacket: Kfunc = machine => {
  if (!isNull(argument(machine, 2))) return EINVAL
  const place = requirePlace(machine.memory, argument(machine, 3), DYNPTR_SIZE, true)
  storeNumber(place, 8, DYNPTR_MARK)
  const length = { low: machine.context.packet.length, high: 0 }
  storeNumber({ ...place, offset: place.offset + 8 }, 8, length)
  return 0
}

const requireSkb =
  (kfunc: Kfunc): Kfunc =>
  machine => {
    const { skb } = machine.context
    const { low, high } = argument(machine, 1)
    if (!skb || low !== skb.low || high !== skb.high) throw new VmError('ERR_VM_ARGUMENT', 'r1 is no skb')
    return kfunc(machine)
  }

const requireDynptr = (machine: Machine): void => {
  const place = requirePlace(machine.memory, argument(machine, 1), DYNPTR_SIZE)
  const { low, high } = loadNumber(place, 8)
  if (low !== DYNPTR_MARK.low || high !== DYNPTR_MARK.high)
    throw new VmError('ERR_VM_ARGUMENT', 'r1 is no dynptr of the packet')
}

/**
 * Part of the packet: r1 dynptr, r2 offset, r3 buffer or null, r4 length. Straight from the packet where it is in one
 * piece, else by way of the buffer; null where the packet ends before.
 */
const dynptrSlice: Kfunc = machine => {
  requireDynptr(machine)
  const { packet, direct } = machine.context
  const offset = argument(machine, 2).low
  const buffer = argument(machine, 3)
  const length = argument(machine, 4).low
  if (offset + length > packet.length) return nullPointer
  if (offset + length <= direct.bytes.length) return machine.memory.map(direct, offset)
  if (isNull(buffer)) return nullPointer
  writeBytes(machine.memory, buffer, packet.slice(offset, offset + length))
  return buffer
}

/** Counts from r2 to below r3; both numbers stand in the 8 bytes of the iterator. */
const iterNew: Kfunc = machine => {
  const place = requirePlace(machine.memory, argument(machine, 1), 8, true)
  storeNumber(place, 8, { low: argument(machine, 2).low, high: argument(machine, 3).low })
  return 0
}

/** The iterator itself, whose first bytes are the number, until the end is reached. */
const iterNext: Kfunc = machine => {
  const iterator = argument(machine, 1)
  const place = requirePlace(machine.memory, iterator, 8, true)
  const { low, high } = loadNumber(place, 8)
  if (low >= high) return nullPointer
  storeNumber(place, 8, { low: low + 1, high })
  return iterator
}

const implementations: Readonly<Record<string, Kfunc>> = {
  bpf_dynptr_from_skb: requireSkb(dynptrFromPacket),
  bpf_dynptr_slice: dynptrSlice,
  bpf_dynptr_size: machine => {
    requireDynptr(machine)
    return machine.context.packet.length
  },
  bpf_iter_num_new: iterNew,
  bpf_iter_num_next: iterNext,
  bpf_iter_num_destroy: () => 0,
  bpf_rdonly_cast: machine => argument(machine, 1),
  bpf_cast_to_kern_ctx: machine => machine.context.kernel ?? nullPointer,
}

/** Call a kernel function by its name. */
export const callKfunc = (machine: Machine, name: string): void => {
  const kfunc = implementations[name]
  if (!kfunc) throw new VmError('ERR_VM_UNSUPPORTED', `kernel function ${name}`)
  const result = kfunc(machine)
  if (typeof result === 'number') setRegister(machine.registers, 0, result, result < 0 ? -1 : 0)
  else setRegister(machine.registers, 0, result.low, result.high)
}
