// The kernel's helpers, as far as packet filters call them.

import { type HelperName, helperName } from '../asm/helper.ts'
import { pull } from './context.ts'
import { VmError } from './error.ts'
import { fibLookup } from './fib.ts'
import { argument, currentFrame, type Machine, mapArgument, valueAddress } from './machine.ts'
import { nullPointer, type Pointer, readBytes, writeBytes } from './memory.ts'
import { setRegister } from './register-file.ts'

/** Called with its arguments in r1 to r5; what it returns goes to r0. A negative number is sign-extended. */
type Helper = (machine: Machine) => number | Pointer | 'tail call'

const EFAULT = -14
const EINVAL = -22

const mapLookup: Helper = machine => {
  const map = mapArgument(machine, 1)
  const value = map.lookup(readBytes(machine.memory, argument(machine, 2), map.spec.keySize))
  return value ? valueAddress(machine, map, value) : nullPointer
}

const mapUpdate: Helper = machine => {
  const map = mapArgument(machine, 1)
  const key = readBytes(machine.memory, argument(machine, 2), map.spec.keySize)
  const value = readBytes(machine.memory, argument(machine, 3), map.spec.valueSize)
  const { low, high } = argument(machine, 4)
  return map.update(key, value, high === 0 ? low : Number.POSITIVE_INFINITY)
}

const mapDelete: Helper = machine => {
  const map = mapArgument(machine, 1)
  return map.delete(readBytes(machine.memory, argument(machine, 2), map.spec.keySize))
}

/** MAX_TAIL_CALL_CNT of include/linux/bpf.h. */
const mostTailCalls = 33

/** Goes on in another program, which takes the place of the function that calls. Where there is none, r0 is undefined. */
const tailCall: Helper = machine => {
  const map = mapArgument(machine, 2)
  if (map.spec.type !== 'PROG_ARRAY')
    throw new VmError('ERR_VM_ARGUMENT', `map ${map.spec.name} holds no programs`)
  const program = machine.tailCall(map.spec.name, argument(machine, 3).low)
  if (!program || machine.tailCalls >= mostTailCalls) return EINVAL
  machine.tailCalls++
  const frame = currentFrame(machine)
  frame.program = program
  frame.fn = program.main
  frame.slot = 0
  return 'tail call'
}

const now: Helper = ({ world }) => {
  const time = BigInt.asUintN(64, world.now?.() ?? 0n)
  return { low: Number(time & 0xffff_ffffn), high: Number(time >> 32n) }
}

/** Timer ticks, of which the interpreter's kernel has 1000 in a second. */
const jiffies: Helper = ({ world }) => {
  const ticks = BigInt.asUintN(64, (world.now?.() ?? 0n) / 1_000_000n)
  return { low: Number(ticks & 0xffff_ffffn), high: Number(ticks >> 32n) }
}

const random: Helper = ({ world }) => {
  if (!world.random)
    throw new VmError('ERR_VM_UNSUPPORTED', 'bpf_get_prandom_u32, for which there is no source')
  return { low: world.random() >>> 0, high: 0 }
}

/** Copies from the packet, `start` bytes further on: r1 context, r2 offset, r3 to, r4 length. */
const loadBytesFrom = (machine: Machine, start: number): number => {
  const { packet } = machine.context
  const offset = start + argument(machine, 2).low
  const length = argument(machine, 4).low
  const inside = offset + length <= packet.length
  writeBytes(
    machine.memory,
    argument(machine, 3),
    inside ? packet.slice(offset, offset + length) : new Uint8Array(length),
  )
  return inside ? 0 : EFAULT
}

const loadPacketBytes: Helper = machine => loadBytesFrom(machine, 0)

/** BPF_HDR_START_NET of `enum bpf_hdr_start_off`, and where the network header begins in an Ethernet frame. */
const FROM_NETWORK_HEADER = 1
const ETHERNET_BYTES = 14

/** As loadPacketBytes, with what the offset counts from in r5. */
const loadPacketBytesRelative: Helper = machine =>
  loadBytesFrom(machine, argument(machine, 5).low === FROM_NETWORK_HEADER ? ETHERNET_BYTES : 0)

const pullData: Helper = machine => {
  const { packet, direct } = machine.context
  const length = argument(machine, 2).low || direct.bytes.length
  if (length > packet.length) return -12 // ENOMEM
  pull(machine.context, length)
  return 0
}

const implementations: Partial<Record<HelperName, Helper>> = {
  bpf_map_lookup_elem: mapLookup,
  bpf_map_update_elem: mapUpdate,
  bpf_map_delete_elem: mapDelete,
  bpf_tail_call: tailCall,
  bpf_fib_lookup: fibLookup,
  bpf_get_smp_processor_id: ({ world }) => world.cpu ?? 0,
  bpf_ktime_get_ns: now,
  bpf_ktime_get_boot_ns: now,
  bpf_ktime_get_coarse_ns: now,
  bpf_ktime_get_tai_ns: now,
  bpf_jiffies64: jiffies,
  // a task of which nothing is known: its members read as zeros
  bpf_get_current_task_btf: () => nullPointer,
  bpf_get_prandom_u32: random,
  bpf_skb_load_bytes: loadPacketBytes,
  bpf_skb_load_bytes_relative: loadPacketBytesRelative,
  bpf_xdp_load_bytes: loadPacketBytes,
  bpf_skb_pull_data: pullData,
}

/** Call the helper with this id. Whether control stays in the function: not after a tail call. */
export const callHelper = (machine: Machine, id: number): boolean => {
  const name = helperName(id)
  const helper = name && (implementations as Partial<Record<string, Helper>>)[name]
  if (!helper) throw new VmError('ERR_VM_UNSUPPORTED', `helper ${name ?? id}`)
  const result = helper(machine)
  if (result === 'tail call') return false
  if (typeof result === 'number') setRegister(machine.registers, 0, result, result < 0 ? -1 : 0)
  else setRegister(machine.registers, 0, result.low, result.high)
  return true
}
