import type { AddressType } from 'iptables-parser'
import { ipv4Bytes } from '../../packet/address.ts'
import { topologyOf } from './topology.ts'

const numberOf = (text: string): bigint =>
  ipv4Bytes(text).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)

const ownAddresses = (devices: readonly string[]): readonly bigint[] =>
  topologyOf(4, devices)
    .devices.flatMap(({ addresses }) => addresses)
    .map(text => numberOf(text.replace(/\/.*/, '')))

/** The networks of topologyOf have 24 bits. */
const broadcastOf = (address: bigint): bigint => address | 0xffn

/** What an IPv4 address is to the routing of a host with these devices, apart from `lo`; with a device, to its routes alone. */
export const addressTypeOf = (devices: readonly string[], address: bigint, device?: string): AddressType => {
  if (address === 0n || address === 0xffff_ffffn) return 'BROADCAST'
  if (address >> 28n === 0xen) return 'MULTICAST'
  const isOn = (name: string): boolean => device === undefined || device === name
  if (address >> 24n === 127n && isOn('lo')) return address === 0x7fff_ffffn ? 'BROADCAST' : 'LOCAL'
  const own = ownAddresses(devices).filter((_, index) => isOn(devices[index] ?? ''))
  if (own.includes(address)) return 'LOCAL'
  return own.some(one => broadcastOf(one) === address) ? 'BROADCAST' : 'UNICAST'
}

/** Addresses of every type, and their neighbours. */
export const typicalAddresses = (devices: readonly string[]): readonly bigint[] => [
  ...ownAddresses(devices).flatMap(own => [own, own + 1n, broadcastOf(own), broadcastOf(own) - 1n]),
  numberOf('224.0.0.1'),
  numberOf('198.51.100.7'),
]
