// Connection tracking runs in a network namespace only while something there asks for it. What asks for us is a
// rule in a chain that no hook leads to: it sees no packet, but its `ct direction original` holds conntrack's hooks
// of both families, and it outlives this process as pins do. (A load of a ct field alone would do, but nft prints that
// as nothing, and a rule set saved and restored by nft would lose it.)
// Sources: linux/netfilter/nf_tables.h; net/netfilter/nft_ct.c takes the hooks when a rule is made.

import { type Attribute, dump, flag, type Message, sendBatch } from './netlink.ts'

const NFPROTO_INET = 1
const subsystem = 10

/** NFNL_MSG_BATCH_*. */
const batchType = { begin: 0x10, end: 0x11 } as const

/** NFT_MSG_*. */
const messageType = { newTable: 0, deleteTable: 2, newChain: 3, newRule: 6, getRule: 7 } as const

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

const typeOf = (type: keyof typeof messageType): number => (subsystem << 8) | messageType[type]

const message = (
  type: 'newTable' | 'deleteTable' | 'newChain' | 'newRule',
  ...attributes: readonly Attribute[]
): Message => ({
  type: typeOf(type),
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

/** NFTA_RULE_TABLE, NFTA_RULE_CHAIN. */
const ownRules = [text(1, table), text(2, chain)]

/** NFTA_RULE_EXPRESSIONS. */
const newRule = message('newRule', ...ownRules, nest(4, loadDirection, isOriginal))

/** Creating what may be there already and then deleting it: removes it whether it was there or not. */
const removeTable = [message('newTable', tableName), message('deleteTable', tableName)]

const batch = (messages: readonly Message[], purpose: string): void =>
  sendBatch([boundary(batchType.begin), ...messages, boundary(batchType.end)], purpose)

/** Our rules that are there; kernels that know no such question answer with those of all chains. */
const listRules = (): readonly Uint8Array[] =>
  dump(
    { type: typeOf('getRule'), flags: flag.request | flag.dump, family: NFPROTO_INET, attributes: ownRules },
    'start connection tracking',
  ).filter(rule => names(rule, table) && names(rule, chain))

const names = (rule: Uint8Array, word: string): boolean => Buffer.from(rule).includes(`${word}\0`)

/**
 * Makes conntrack run in the current network namespace, until `releaseConntrack`. Where it was asked for already nothing is done, since a transaction that
 * takes something away has us wait for all CPUs. What is there of another make is replaced in one transaction, so that there is no moment
 * without it. Throws ERR_NETLINK where the kernel has no nf_tables.
 */
export const requireConntrack = (): void => {
  const rules = listRules()
  if (rules.length === 1 && rules.every(rule => names(rule, 'ct'))) return
  const away = rules.length > 0 ? removeTable : []
  batch([...away, message('newTable', tableName), newChain, newRule], 'start connection tracking')
}

/** Stops asking for conntrack; others may still. */
export const releaseConntrack = (): void => batch(removeTable, 'stop connection tracking')
