// Addresses as numbers, and as rules spell them.

import type { Random } from './random.ts'

export const ipv4Text = (address: bigint): string =>
  [24n, 16n, 8n, 0n].map(shift => (address >> shift) & 255n).join('.')

/** Whether an IPv4 address may be that of a packet from outside or to another: unicast, and neither this host's nor loopback. */
export function isUnicast(address: bigint): boolean {
  const first = address >> 24n
  return first > 0n && first < 224n && first !== 127n
}

/** Such an address. */
export function unicast(random: Random): bigint {
  const first = 1 + random(222)
  return (BigInt(first === 127 ? 223 : first) << 24n) | BigInt(random(1 << 24))
}

/** The network of an address, with its length: `192.0.2.0/24`. */
export const prefixText = (address: bigint, length: number): string =>
  `${ipv4Text(networkOf(address, length))}/${length}`

export const networkOf = (address: bigint, length: number): bigint =>
  (address >> BigInt(32 - length)) << BigInt(32 - length)

/** An address of a network, any of its bits set below the prefix. */
export const within = (network: bigint, length: number, random: Random): bigint =>
  networkOf(network, length) | (length === 32 ? 0n : BigInt(random(2 ** (32 - length))))
