// Netlink messages to netfilter (NETLINK_NETFILTER): built, sent as one batch, and their answers read.
//
//   nlmsghdr   0 len u32 | 4 type u16 | 6 flags u16 | 8 seq u32 | 12 pid u32
//   nfgenmsg  16 family u8 | 17 version u8 | 18 res_id be16
//   nlattr     0 len u16 | 2 type u16 (bit 15: nested) | 4 payload, padded to 4
//
// Sources: linux/netlink.h, linux/netfilter/nfnetlink.h.

import { KernelError } from './error.ts'
import { errnoName } from './sys/error.ts'
import { close, type FileDescriptor } from './sys/object.ts'
import { netlinkSocket, receive, send } from './sys/socket.ts'

const NETLINK_NETFILTER = 12
const NLMSG_ERROR = 2
const nested = 0x8000
const headerSize = 20

/** NLM_F_*. */
export const flag = { request: 0x1, ack: 0x4, create: 0x400 } as const

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

export interface Answer {
  readonly sequence: number
  /** Zero for an acknowledgement. */
  readonly errno: number
}

/** The acknowledgements and errors in what one receive returned. */
export const readAnswers = (bytes: Uint8Array): readonly Answer[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const answers: Answer[] = []
  for (let at = 0; at + 20 <= bytes.length; at += Math.max(16, padded(view.getUint32(at, true)))) {
    if (view.getUint16(at + 4, true) !== NLMSG_ERROR) continue
    answers.push({ sequence: view.getUint32(at + 8, true), errno: Math.abs(view.getInt32(at + 16, true)) })
  }
  return answers
}

/** Milliseconds; answers come at once, unless a module has to be loaded first. */
const patience = 5000

const awaitAnswer = (socket: FileDescriptor, last: number, purpose: string): void => {
  for (;;) {
    const bytes = receive(socket, patience)
    if (bytes === undefined)
      throw new KernelError('ERR_NETLINK', `cannot ${purpose}: netfilter does not answer`)
    for (const { sequence, errno } of readAnswers(bytes)) {
      if (errno !== 0) throw new KernelError('ERR_NETLINK', `cannot ${purpose}: netlink: ${errnoName(errno)}`)
      if (sequence === last) return
    }
  }
}

/** Sends messages as one batch, of which the last but one asks for an acknowledgement. Throws ERR_NETLINK. */
export const sendBatch = (messages: readonly Message[], purpose: string): void => {
  const socket = netlinkSocket(NETLINK_NETFILTER)
  try {
    send(socket, Buffer.concat(messages.map((message, index) => encodeMessage(message, index + 1))))
    awaitAnswer(socket, messages.length - 1, purpose)
  } finally {
    close(socket)
  }
}
