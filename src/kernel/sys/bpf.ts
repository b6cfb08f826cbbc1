// bpf(2). Nothing else in bpftables makes this call.

import { errno } from './error.ts'
import type { Struct } from './layout.ts'
import { lastErrno, libc, systemError } from './libc.ts'
import { raiseMemlock } from './rlimit.ts'

/** `enum bpf_cmd`. */
export const command = {
  BPF_MAP_CREATE: 0,
  BPF_MAP_LOOKUP_ELEM: 1,
  BPF_MAP_UPDATE_ELEM: 2,
  BPF_MAP_DELETE_ELEM: 3,
  BPF_MAP_GET_NEXT_KEY: 4,
  BPF_PROG_LOAD: 5,
  BPF_OBJ_PIN: 6,
  BPF_OBJ_GET: 7,
  BPF_PROG_TEST_RUN: 10,
  BPF_PROG_GET_NEXT_ID: 11,
  BPF_PROG_GET_FD_BY_ID: 13,
  BPF_MAP_GET_FD_BY_ID: 14,
  BPF_OBJ_GET_INFO_BY_FD: 15,
  BPF_BTF_LOAD: 18,
  BPF_BTF_GET_FD_BY_ID: 19,
  BPF_BTF_GET_NEXT_ID: 23,
  BPF_MAP_LOOKUP_BATCH: 24,
  BPF_MAP_UPDATE_BATCH: 26,
  BPF_LINK_CREATE: 28,
  BPF_LINK_UPDATE: 29,
  BPF_LINK_GET_FD_BY_ID: 30,
  BPF_LINK_GET_NEXT_ID: 31,
  BPF_LINK_DETACH: 34,
} as const

export type Command = keyof typeof command

/** __NR_bpf on the little-endian 64-bit machines Node runs on. */
const numbers: Readonly<Partial<Record<NodeJS.Architecture, number>>> = {
  x64: 321,
  arm64: 280,
  riscv64: 280,
  loong64: 280,
  ppc64: 361,
}

const systemCallNumber = (): number => {
  const number = numbers[process.arch]
  if (number === undefined) throw new Error(`bpf(2) has no known number on ${process.arch}`)
  return number
}

/**
 * The attributes of calls in progress. Only addresses of their buffers reach the kernel, so without a reference
 * from here the garbage collector might free one during the call.
 */
const inFlight = new Set<Struct>()

const call = (name: Command, attribute: Struct): number => {
  inFlight.add(attribute)
  const result = libc.syscall(systemCallNumber(), command[name], attribute.bytes, attribute.bytes.length)
  const answer = result < 0 ? -lastErrno() : result
  inFlight.delete(attribute)
  return answer
}

/** Makes the call while others are made; what it returns, or undefined where it failed, whatever the reason. */
export const bpfLater = async (name: Command, attribute: Struct): Promise<number | undefined> => {
  inFlight.add(attribute)
  const { bytes } = attribute
  const result = await libc.syscallLater(systemCallNumber(), command[name], bytes, bytes.length)
  inFlight.delete(attribute)
  return result === undefined || result < 0 ? undefined : result
}

/** Commands that kernels before 5.11 charge against RLIMIT_MEMLOCK, and refuse with EPERM past it. */
const charged: ReadonlySet<Command> = new Set<Command>(['BPF_MAP_CREATE', 'BPF_PROG_LOAD', 'BPF_BTF_LOAD'])

/** Makes the call; what it returns, or the errno negated. The kernel may write into `attribute.bytes`. */
export const tryBpf = (name: Command, attribute: Struct): number => {
  const result = call(name, attribute)
  const again = result === -errno.EPERM && charged.has(name) && raiseMemlock()
  return again ? call(name, attribute) : result
}

/** Makes the call; throws a SystemError saying that `purpose` (an infinitive) failed. */
export const bpf = (name: Command, attribute: Struct, purpose: string): number => {
  const result = tryBpf(name, attribute)
  if (result < 0) throw systemError({ syscall: 'bpf', command: name, purpose }, -result)
  return result
}

/** Makes a call that answers ENOENT where there is nothing: then false. Throws on every other error. */
export const bpfFinds = (name: Command, attribute: Struct, purpose: string): boolean => {
  const result = tryBpf(name, attribute)
  if (result === -errno.ENOENT) return false
  if (result < 0) throw systemError({ syscall: 'bpf', command: name, purpose }, -result)
  return true
}
