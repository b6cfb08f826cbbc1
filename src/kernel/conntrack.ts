// Connection tracking runs in a network namespace only while something there asks for it. What asks for us is a
// rule in a chain that no hook leads to: it sees no packet, but its `ct direction original` holds conntrack's hooks
// of both families, and it outlives this process as pins do. (A load of a ct field alone would do, but nft prints that
// as nothing, and a rule set saved and restored by nft would lose it.)
// Sources: linux/netfilter/nf_tables.h; net/netfilter/nft_ct.c takes the hooks when a rule is made.

import { type Attribute, flag, type Message, sendBatch } from './netlink.ts'

const NFPROTO_INET = 1
const subsystem = 10

/** NFNL_MSG_BATCH_*. */
const batchType = { begin: 0x10, end: 0x11 } as const

/** NFT_MSG_*. */
const messageType = { newTable: 0, deleteTable: 2, newChain: 3, newRule: 6 } as const

const table = 'bpftables'
const chain = 'conntrack'

const text = (type: number, value: string): Attribute => ({ kind: 'text', type, text: value })
const u8 = (type: number, value: number): Attribute => ({ kind: 'u8', type, value })
const be32 = (type: number, value: number): Attribute => ({ kind: 'be32', type, value })
const nest = (type: number, ...attributes: readonly Attribute[]): Attribute => ({
  kind: 'nested',
  type,
  attributes,
})

const boundary = (type: number): Message => ({
  type,
  flags: flag.request,
  family: 0,
  resource: subsystem,
  attributes: [],
})

const message = (type: keyof typeof messageType, ...attributes: readonly Attribute[]): Message => ({
  type: (subsystem << 8) | messageType[type],
  flags: flag.request | flag.ack | (type === 'deleteTable' ? 0 : flag.create),
  family: NFPROTO_INET,
  attributes,
})

/** NFTA_TABLE_NAME. */
const tableName = text(1, table)

/** NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME. */
const newChain = message('newChain', text(1, table), text(3, chain))

/** An expression in a list: NFTA_LIST_ELEM of NFTA_EXPR_NAME and NFTA_EXPR_DATA. */
const expression = (name: string, ...data: readonly Attribute[]): Attribute =>
  nest(1, text(1, name), nest(2, ...data))

const register1 = 1

/** NFTA_CT_DREG, NFTA_CT_KEY = NFT_CT_DIRECTION. */
const loadDirection = expression('ct', be32(1, register1), be32(2, 1))

/** NFTA_CMP_SREG, NFTA_CMP_OP = NFT_CMP_EQ, NFTA_CMP_DATA of NFTA_DATA_VALUE = IP_CT_DIR_ORIGINAL. */
const isOriginal = expression('cmp', be32(1, register1), be32(2, 0), nest(3, u8(1, 0)))

/** NFTA_RULE_TABLE, NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS. */
const newRule = message('newRule', text(1, table), text(2, chain), nest(4, loadDirection, isOriginal))

/** Creating what may be there already and then deleting it: removes it whether it was there or not. */
const removeTable = [message('newTable', tableName), message('deleteTable', tableName)]

const batch = (messages: readonly Message[], purpose: string): void =>
  sendBatch([boundary(batchType.begin), ...messages, boundary(batchType.end)], purpose)

/**
 * Makes conntrack run in the current network namespace, until `releaseConntrack`. Again is as good as once, and
 * leaves no moment without it: the batch is one transaction. Throws ERR_NETLINK where the kernel has no nf_tables.
 */
export const requireConntrack = (): void =>
  batch([...removeTable, message('newTable', tableName), newChain, newRule], 'start connection tracking')

/** Stops asking for conntrack; others may still. */
export const releaseConntrack = (): void => batch(removeTable, 'stop connection tracking')
