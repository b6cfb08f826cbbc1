// Addresses as numbers, and as rules spell them.

import { addressBits, type Family, printAddress } from 'iptables-parser'
import type { Random } from './random.ts'

export const ipv4Text = (address: bigint): string => printAddress(4, address)

/** Where a random packet of the family may come from or go to. */
export const anyAddress = (family: Family, random: Random): bigint =>
  family === 4 ? unicast(random) : globalUnicast(random)

/** An IPv6 address of 2000::/3. */
const globalUnicast = (random: Random): bigint =>
  (BigInt(2 ** 29 + random(2 ** 29)) << 96n) | (BigInt(random(2 ** 32)) << 64n) | BigInt(random(2 ** 32))

/** So many different addresses. */
export function distinctAddresses(family: Family, random: Random, count: number): bigint[] {
  const addresses = new Set<bigint>()
  while (addresses.size < count) addresses.add(anyAddress(family, random))
  return [...addresses]
}

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
export const prefixText = (address: bigint, length: number, family: Family = 4): string =>
  `${printAddress(family, networkOf(address, length, family))}/${length}`

export function networkOf(address: bigint, length: number, family: Family = 4): bigint {
  const below = BigInt(addressBits(family) - length)
  return (address >> below) << below
}

/** An address of a network, any of its lowest 32 bits set below the prefix. */
export function within(network: bigint, length: number, random: Random, family: Family = 4): bigint {
  const below = Math.min(32, addressBits(family) - length)
  return networkOf(network, length, family) | (below === 0 ? 0n : BigInt(random(2 ** below)))
}
