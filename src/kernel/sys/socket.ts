// Sockets Node has no API for: packet, raw IP and netlink ones. All calls are synchronous.
//
//   sockaddr_ll   0 family u16 | 2 protocol be16 | 4 ifindex s32 | 8 hatype u16 | 10 pkttype u8 | 11 halen u8 | 12 addr[8]
//   sockaddr_in   0 family u16 | 2 port be16 | 4 addr[4] | 8 zero[8]
//   sockaddr_in6  0 family u16 | 2 port be16 | 4 flowinfo be32 | 8 addr[16] | 24 scope_id u32
//   sockaddr_nl   0 family u16 | 2 pad u16 | 4 pid u32 | 8 groups u32
//   pollfd        0 fd s32 | 4 events s16 | 6 revents s16

import { errno } from './error.ts'
import { check, lastErrno, libc, systemError } from './libc.ts'
import type { FileDescriptor } from './object.ts'

const family = { inet: 2, inet6: 10, netlink: 16, packet: 17 } as const
const socketType = { raw: 3, closeOnExec: 0o2000000 } as const
const ETH_P_ALL = 0x0003
const POLLIN = 1
const MSG_DONTWAIT = 0x40
const SOL_PACKET = 263
const PACKET_VNET_HDR = 15

const open = (domain: number, protocol: number, purpose: string): FileDescriptor =>
  check(libc.socket(domain, socketType.raw | socketType.closeOnExec, protocol), 'socket', purpose)

/**
 * Sends whole frames on one device, and receives those of one ethertype; by default of all, with 0 of none. With 0 for the device it receives on all of
 * them. It has no protocol before it is bound: changing it would wait for packets on their way (packet_do_bind, net/packet/af_packet.c).
 */
export const packetSocket = (ifindex: number, protocol = ETH_P_ALL): FileDescriptor => {
  const fd = open(family.packet, 0, 'open a packet socket')
  const address = linkAddress(ifindex, protocol)
  check(libc.bind(fd, address, address.byteLength), 'bind', 'bind a packet socket')
  return fd
}

/**
 * From now on a struct virtio_net_hdr of 10 bytes is in front of each frame that the socket sends; its `hdr_len`, a u16 at offset 2, says how many bytes
 * lie in the linear part of an skb of a page or more (packet_snd, net/packet/af_packet.c).
 */
export const expectVirtioHeaders = (socket: FileDescriptor): void => {
  const yes = new Int32Array([1])
  check(
    libc.setsockopt(socket, SOL_PACKET, PACKET_VNET_HDR, yes, yes.byteLength),
    'setsockopt',
    'say how frames are laid out',
  )
}

/** Sends a frame on a device from a packet socket, whichever device it is bound to. */
export const sendFrame = (socket: FileDescriptor, ifindex: number, frame: Uint8Array): void => {
  const address = linkAddress(ifindex, 0)
  check(libc.sendto(socket, frame, frame.length, 0, address, address.byteLength), 'sendto', 'send a frame')
}

const linkAddress = (ifindex: number, protocol: number): DataView => {
  const address = new DataView(new ArrayBuffer(20))
  address.setUint16(0, family.packet, true)
  address.setUint16(2, protocol)
  address.setInt32(4, ifindex, true)
  return address
}

/** IPPROTO_RAW: sends datagrams that bring their own IP header (IP_HDRINCL) through the output path. */
export const rawSocket = (version: 4 | 6): FileDescriptor =>
  open(version === 4 ? family.inet : family.inet6, 255, `open a raw IPv${version} socket`)

/** `protocol` is NETLINK_*, e.g. 12 for NETLINK_NETFILTER. */
export const netlinkSocket = (protocol: number): FileDescriptor => {
  const fd = open(family.netlink, protocol, 'open a netlink socket')
  const address = new DataView(new ArrayBuffer(12))
  address.setUint16(0, family.netlink, true)
  check(libc.bind(fd, address, address.byteLength), 'bind', 'bind a netlink socket')
  return fd
}

/** Sends one frame or message where the socket is bound to. */
export const send = (socket: FileDescriptor, data: Uint8Array): void => {
  check(libc.sendto(socket, data, data.length, 0, null, 0), 'sendto', 'send')
}

const ipAddress = (destination: Uint8Array): DataView => {
  const v4 = destination.length === 4
  const address = new DataView(new ArrayBuffer(v4 ? 16 : 28))
  address.setUint16(0, v4 ? family.inet : family.inet6, true)
  new Uint8Array(address.buffer).set(destination, v4 ? 4 : 8)
  return address
}

/** Sends a datagram from a raw socket; `destination` is 4 or 16 bytes. False where a filter refused it (EPERM). */
export const sendDatagram = (
  socket: FileDescriptor,
  datagram: Uint8Array,
  destination: Uint8Array,
): boolean => {
  const address = ipAddress(destination)
  const result = libc.sendto(socket, datagram, datagram.length, 0, address, address.byteLength)
  if (result < 0 && lastErrno() === errno.EPERM) return false
  check(result, 'sendto', 'send a datagram')
  return true
}

const readable = (socket: FileDescriptor, timeout: number): boolean => {
  const poll = new DataView(new ArrayBuffer(8))
  poll.setInt32(0, socket, true)
  poll.setInt16(4, POLLIN, true)
  return check(libc.poll(poll, 1, timeout), 'poll', 'wait for a socket') > 0
}

/** Receives one frame or message, waiting `timeout` milliseconds for it; undefined where none came. */
export const receive = (socket: FileDescriptor, timeout: number, size = 65536): Uint8Array | undefined => {
  if (!readable(socket, timeout)) return undefined
  const buffer = new Uint8Array(size)
  const length = libc.recv(socket, buffer, size, MSG_DONTWAIT)
  if (length < 0 && lastErrno() === errno.EAGAIN) return undefined
  if (length < 0) throw systemError({ syscall: 'recv', purpose: 'receive' })
  return buffer.subarray(0, length)
}
