// bpf_fib_lookup: the caller of the interpreter plays the routing table.
//
//   struct bpf_fib_lookup (include/uapi/linux/bpf.h), 64 bytes
//   0 family u8 | 1 l4_protocol u8 | 2 sport be16 | 4 dport be16 | 6 tot_len, then mtu_result u16 | 8 ifindex u32
//   12 tos u8, flowinfo be32, then rt_metric u32 | 16 source | 32 destination | 48 vlan | 52 smac | 58 dmac

import { VmError } from './error.ts'
import { argument, type Machine } from './machine.ts'
import { requirePlace } from './memory.ts'

/** BPF_FIB_LKUP_RET_* of include/uapi/linux/bpf.h. */
export const fibResult = {
  SUCCESS: 0,
  BLACKHOLE: 1,
  UNREACHABLE: 2,
  PROHIBIT: 3,
  NOT_FWDED: 4,
  FWD_DISABLED: 5,
  UNSUPP_LWT: 6,
  NO_NEIGH: 7,
  FRAG_NEEDED: 8,
  NO_SRC_ADDR: 9,
} as const

export interface FibQuery {
  /** AF_INET or AF_INET6. */
  readonly family: number
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly ifindex: number
  /** BPF_FIB_LOOKUP_*. */
  readonly flags: number
  readonly length: number
}

export interface FibAnswer {
  readonly result: (typeof fibResult)[keyof typeof fibResult]
  /** The device the packet would leave by. */
  readonly ifindex?: number
}

const SIZE = 64
const AF_INET = 2

/** Runs the helper: r1 context, r2 struct bpf_fib_lookup, r3 its size, r4 flags. The result for r0. */
export const fibLookup = (machine: Machine): number => {
  const answerTo = machine.world.fibLookup
  if (!answerTo) throw new VmError('ERR_VM_UNSUPPORTED', 'bpf_fib_lookup, for which there are no routes')
  if (argument(machine, 3).low < SIZE) return -22 // EINVAL
  const place = requirePlace(machine.memory, argument(machine, 2), SIZE, true)
  const bytes = place.region.bytes.subarray(place.offset, place.offset + SIZE)
  const view = new DataView(bytes.buffer, bytes.byteOffset, SIZE)
  const family = bytes[0] ?? 0
  const length = family === AF_INET ? 4 : 16
  const answer = answerTo({
    family,
    source: bytes.slice(16, 16 + length),
    destination: bytes.slice(32, 32 + length),
    ifindex: view.getUint32(8, true),
    flags: argument(machine, 4).low,
    length: view.getUint16(6, true),
  })
  if (answer.ifindex !== undefined) view.setUint32(8, answer.ifindex, true)
  return answer.result
}
