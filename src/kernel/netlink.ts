// Netlink messages to netfilter (NETLINK_NETFILTER): built, sent as one batch, and their answers read.
//
//   nlmsghdr   0 len u32 | 4 type u16 | 6 flags u16 | 8 seq u32 | 12 pid u32
//   nfgenmsg  16 family u8 | 17 version u8 | 18 res_id be16
//   nlattr     0 len u16 | 2 type u16 (bit 15: nested) | 4 payload, padded to 4
//
// Sources: linux/netlink.h, linux/netfilter/nfnetlink.h.

import { KernelError } from './error.ts'
import { errno, errnoName } from './sys/error.ts'
import { close, type FileDescriptor } from './sys/object.ts'
import { netlinkSocket, receive, send } from './sys/socket.ts'

const NETLINK_NETFILTER = 12
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const nested = 0x8000
const headerSize = 20

/** NLM_F_*. */
export const flag = { request: 0x1, ack: 0x4, dump: 0x300, create: 0x400 } as const

export type Attribute =
  | { readonly kind: 'text'; readonly type: number; readonly text: string }
  | { readonly kind: 'u8' | 'be32'; readonly type: number; readonly value: number }
  | { readonly kind: 'nested'; readonly type: number; readonly attributes: readonly Attribute[] }

export interface Message {
  readonly type: number
  readonly flags: number
  /** NFPROTO_*. */
  readonly family: number
  readonly resource?: number
  readonly attributes: readonly Attribute[]
}

const padded = (length: number): number => (length + 3) & ~3

const payloadOf = (attribute: Attribute): Uint8Array => {
  if (attribute.kind === 'text') return new TextEncoder().encode(`${attribute.text}\0`)
  if (attribute.kind === 'nested') return encodeAttributes(attribute.attributes)
  if (attribute.kind === 'u8') return Uint8Array.of(attribute.value)
  const bytes = new Uint8Array(4)
  new DataView(bytes.buffer).setUint32(0, attribute.value)
  return bytes
}

const encodeAttribute = (attribute: Attribute): Uint8Array => {
  const payload = payloadOf(attribute)
  const bytes = new Uint8Array(padded(4 + payload.length))
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 4 + payload.length, true)
  view.setUint16(2, attribute.type | (attribute.kind === 'nested' ? nested : 0), true)
  bytes.set(payload, 4)
  return bytes
}

const encodeAttributes = (attributes: readonly Attribute[]): Uint8Array =>
  Buffer.concat(attributes.map(encodeAttribute))

/** One message; `sequence` comes back in its answer. */
export const encodeMessage = (message: Message, sequence: number): Uint8Array => {
  const attributes = encodeAttributes(message.attributes)
  const bytes = new Uint8Array(headerSize + attributes.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, bytes.length, true)
  view.setUint16(4, message.type, true)
  view.setUint16(6, message.flags, true)
  view.setUint32(8, sequence, true)
  view.setUint8(16, message.family)
  view.setUint16(18, message.resource ?? 0)
  bytes.set(attributes, headerSize)
  return bytes
}

interface Received {
  readonly type: number
  readonly sequence: number
  /** Behind the nlmsghdr. */
  readonly payload: Uint8Array
}

/** The messages in what one receive returned. */
export const readMessages = (bytes: Uint8Array): readonly Received[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const messages: Received[] = []
  for (let at = 0, length = 0; at + 16 <= bytes.length; at += padded(length)) {
    length = Math.max(16, view.getUint32(at, true))
    const payload = bytes.subarray(at + 16, at + length)
    messages.push({ type: view.getUint16(at + 4, true), sequence: view.getUint32(at + 8, true), payload })
  }
  return messages
}

export interface Answer {
  readonly sequence: number
  /** Zero for an acknowledgement. */
  readonly errno: number
}

const errnoIn = (payload: Uint8Array): number =>
  Math.abs(new DataView(payload.buffer, payload.byteOffset).getInt32(0, true))

/** The acknowledgements and errors in what one receive returned. */
export const readAnswers = (bytes: Uint8Array): readonly Answer[] =>
  readMessages(bytes)
    .filter(({ type }) => type === NLMSG_ERROR)
    .map(({ sequence, payload }) => ({ sequence, errno: errnoIn(payload) }))

/** Milliseconds; answers come at once, unless a module has to be loaded first. */
const patience = 5000

const receiveSome = (socket: FileDescriptor, purpose: string): Uint8Array => {
  const bytes = receive(socket, patience)
  if (bytes === undefined)
    throw new KernelError('ERR_NETLINK', `cannot ${purpose}: netfilter does not answer`)
  return bytes
}

const refused = (errno: number, purpose: string): KernelError =>
  new KernelError('ERR_NETLINK', `cannot ${purpose}: netlink: ${errnoName(errno)}`)

const awaitAnswer = (socket: FileDescriptor, last: number, purpose: string): void => {
  for (;;)
    for (const { sequence, errno } of readAnswers(receiveSome(socket, purpose))) {
      if (errno !== 0) throw refused(errno, purpose)
      if (sequence === last) return
    }
}

const talk = <T>(talk: (socket: FileDescriptor) => T): T => {
  const socket = netlinkSocket(NETLINK_NETFILTER)
  try {
    return talk(socket)
  } finally {
    close(socket)
  }
}

/** Sends messages as one batch, of which the last but one asks for an acknowledgement. Throws ERR_NETLINK. */
export const sendBatch = (messages: readonly Message[], purpose: string): void =>
  talk(socket => {
    send(socket, Buffer.concat(messages.map((message, index) => encodeMessage(message, index + 1))))
    awaitAnswer(socket, messages.length - 1, purpose)
  })

/** All that the kernel lists for a message; nothing where what it names is not there. Throws ERR_NETLINK. */
export const dump = (message: Message, purpose: string): readonly Uint8Array[] =>
  talk(socket => {
    const listed: Uint8Array[] = []
    send(socket, encodeMessage(message, 1))
    for (;;)
      for (const { type, payload } of readMessages(receiveSome(socket, purpose))) {
        if (type === NLMSG_DONE) return listed
        if (type !== NLMSG_ERROR) listed.push(payload)
        else if (errnoIn(payload) === errno.ENOENT) return listed
        else throw refused(errnoIn(payload), purpose)
      }
  })
