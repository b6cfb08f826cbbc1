// Policy rules of routing by rtnetlink, in microseconds where ip(8) takes as long as sending all packets of a phase does.
//
//   nlmsghdr       0 len u32 | 4 type u16 | 6 flags u16 | 8 seq u32 | 12 pid u32
//   fib_rule_hdr  16 family u8 | 17 dst_len u8 | 18 src_len u8 | 19 tos u8 | 20 table u8 | 21 res u16 | 23 action u8 | 24 flags u32
//   rtattr         0 len u16 | 2 type u16 | 4 payload, padded to 4
//
// Sources: linux/rtnetlink.h, linux/fib_rules.h.

import type { Family } from 'iptables-parser'
import { readAnswers } from '../../../src/kernel/netlink.ts'
import { errnoName } from '../../../src/kernel/sys/error.ts'
import { close } from '../../../src/kernel/sys/object.ts'
import { netlinkSocket, receive, send } from '../../../src/kernel/sys/socket.ts'

/** What arrives on a device is looked up in a table; rules are asked in order of preference. */
export interface PolicyRule {
  readonly preference: number
  readonly device: string
  readonly table: number
}

const NETLINK_ROUTE = 0
const messageType = { add: 32, remove: 33 } as const
/** NLM_F_REQUEST | NLM_F_ACK, and NLM_F_CREATE | NLM_F_EXCL. */
const messageFlags = { add: 0x605, remove: 0x5 } as const
const addressFamily = { 4: 2, 6: 10 } as const
const attributeType = { device: 3, preference: 6, table: 15 } as const
const FR_ACT_TO_TBL = 1
const headerSize = 28
/** Milliseconds. */
const patience = 5000

const attribute = (type: keyof typeof attributeType, payload: Uint8Array): Uint8Array => {
  const bytes = Buffer.alloc(4 + ((payload.length + 3) & ~3))
  bytes.writeUInt16LE(4 + payload.length, 0)
  bytes.writeUInt16LE(attributeType[type], 2)
  bytes.set(payload, 4)
  return bytes
}

const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

const encode = (verb: keyof typeof messageType, family: Family, rule: PolicyRule): Uint8Array => {
  const header = Buffer.alloc(headerSize)
  header.writeUInt16LE(messageType[verb], 4)
  header.writeUInt16LE(messageFlags[verb], 6)
  header.writeUInt8(addressFamily[family], 16)
  header.writeUInt8(FR_ACT_TO_TBL, 23)
  const message = Buffer.concat([
    header,
    attribute('device', Buffer.from(`${rule.device}\0`)),
    attribute('preference', word(rule.preference)),
    attribute('table', word(rule.table)),
  ])
  message.writeUInt32LE(message.length, 0)
  return message
}

/** In the calling thread's network namespace: takes rules out, puts others in. Throws where the kernel refuses. */
export const changeRules = (
  family: Family,
  removed: readonly PolicyRule[],
  added: readonly PolicyRule[],
): void => {
  const socket = netlinkSocket(NETLINK_ROUTE)
  const ask = (verb: keyof typeof messageType) => (rule: PolicyRule) => {
    send(socket, encode(verb, family, rule))
    const [answer] = readAnswers(receive(socket, patience) ?? new Uint8Array())
    if (answer?.errno !== 0)
      throw new Error(`cannot ${verb} a policy rule for ${rule.device}: ${errnoName(answer?.errno ?? 0)}`)
  }
  try {
    removed.forEach(ask('remove'))
    added.forEach(ask('add'))
  } finally {
    close(socket)
  }
}
