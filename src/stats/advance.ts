// Arithmetic of counters: unsigned, 64 bits, as the kernel's.

import type { Counters } from 'iptables-parser'

/** What a counter has counted since it was `last` read. One that went backwards was reset in between, and has counted from zero since. */
export const advance = (last: Counters, now: Counters): Counters =>
  now.packets < last.packets || now.bytes < last.bytes ? now : difference(now, last)

export const sum = (a: Counters, b: Counters): Counters => ({
  packets: BigInt.asUintN(64, a.packets + b.packets),
  bytes: BigInt.asUintN(64, a.bytes + b.bytes),
})

export const difference = (a: Counters, b: Counters): Counters => ({
  packets: BigInt.asUintN(64, a.packets - b.packets),
  bytes: BigInt.asUintN(64, a.bytes - b.bytes),
})

export const equal = (a: Counters, b: Counters): boolean => a.packets === b.packets && a.bytes === b.bytes
