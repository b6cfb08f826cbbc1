// What the kernel's receive path makes of a frame before the filter table sees it, as far as programs depend on it. Frames for other
// stations and martian addresses are taken for good.

import type { Family } from 'iptables-parser'
import { internetChecksum } from '../packet/checksum.ts'

export interface Datagram {
  readonly family: Family
  /** From the IP header to the end its length tells. */
  readonly bytes: Uint8Array
}

const ETHERNET_BYTES = 14
const TAG_BYTES = 4
const vlanTypes: readonly number[] = [0x8100, 0x88a8]
const etherTypes: Readonly<Record<number, Family>> = { 2048: 4, 34525: 6 }

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Ethertype and where its packet begins, behind tags of VLAN 0; undefined for a frame of a VLAN or none at all. */
function untag(frame: Uint8Array): { readonly type: number; readonly at: number } | undefined {
  const view = viewOf(frame)
  for (let at = ETHERNET_BYTES; at <= frame.length; at += TAG_BYTES) {
    const type = view.getUint16(at - 2)
    if (!vlanTypes.includes(type)) return { type, at }
    if (at + TAG_BYTES > frame.length || (view.getUint16(at) & 0xfff) !== 0) return undefined
  }
  return undefined
}

/** What ip_rcv and ip6_rcv ask of a header; the packet's length, or undefined. */
function lengthOf(family: Family, bytes: Uint8Array): number | undefined {
  const least = family === 4 ? 20 : 40
  const view = viewOf(bytes)
  if (bytes.length < least || view.getUint8(0) >> 4 !== family) return undefined
  const header = family === 4 ? 4 * (view.getUint8(0) & 15) : least
  const length = family === 4 ? view.getUint16(2) : least + view.getUint16(4)
  if (header < least || header > length || length > bytes.length) return undefined
  return family === 6 || internetChecksum(bytes.subarray(0, header)) === 0 ? length : undefined
}

/** A packet from its IP header on, cut to its length; undefined where the kernel drops it unseen. */
export function datagramAt(family: Family, bytes: Uint8Array): Datagram | undefined {
  const length = lengthOf(family, bytes)
  return length === undefined ? undefined : { family, bytes: bytes.subarray(0, length) }
}

/** The packet of a frame; undefined where it has none, or one that the kernel drops unseen. */
export function datagramIn(frame: Uint8Array): Datagram | undefined {
  const inner = untag(frame)
  const family = inner && etherTypes[inner.type]
  return family === undefined || !inner ? undefined : datagramAt(family, frame.subarray(inner.at))
}

/** A frame as tc sees it: one tag taken off. */
export function offTag(frame: Uint8Array) {
  const view = viewOf(frame)
  const type = view.getUint16(ETHERNET_BYTES - 2)
  if (!vlanTypes.includes(type) || frame.length < ETHERNET_BYTES + TAG_BYTES)
    return { packet: frame, protocol: type, vlan: undefined }
  const packet = new Uint8Array(frame.length - TAG_BYTES)
  packet.set(frame.subarray(0, ETHERNET_BYTES - 2))
  packet.set(frame.subarray(ETHERNET_BYTES + 2), ETHERNET_BYTES - 2)
  return {
    packet,
    protocol: view.getUint16(ETHERNET_BYTES + 2),
    vlan: { tci: view.getUint16(ETHERNET_BYTES), protocol: type },
  }
}
