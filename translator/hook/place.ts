// Where the base chains of the tables are: each at a hook and, with its table's priority, before or behind the others there.
//
//     PREROUTING    raw, (conntrack), mangle, (nat)
//     INPUT         mangle, filter, (nat)
//     FORWARD       mangle, filter
//     OUTPUT        raw, (conntrack), mangle, (nat), filter
//     POSTROUTING   mangle, (nat)

import type { TableName } from 'iptables-parser'
import type { Hook, NetfilterHook } from '../program.ts'

/** The tables that programs can be. */
export type OwnTable = Extract<TableName, 'filter' | 'raw' | 'mangle'>

export type NetfilterChain = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING'

export interface Place {
  readonly table: OwnTable
  readonly chain: NetfilterChain
  /** Of its programs; with a prefix and a family it must fit into BPF_OBJ_NAME_LEN. */
  readonly name: string
}

export const netfilterPlaces: { readonly [H in NetfilterHook]: Place } = {
  'nf-input': { table: 'filter', chain: 'INPUT', name: 'nf_input' },
  'nf-forward': { table: 'filter', chain: 'FORWARD', name: 'nf_forward' },
  'nf-output': { table: 'filter', chain: 'OUTPUT', name: 'nf_output' },
  'nf-raw-prerouting': { table: 'raw', chain: 'PREROUTING', name: 'raw_pre' },
  'nf-raw-output': { table: 'raw', chain: 'OUTPUT', name: 'raw_output' },
  'nf-mangle-prerouting': { table: 'mangle', chain: 'PREROUTING', name: 'mangle_pre' },
  'nf-mangle-input': { table: 'mangle', chain: 'INPUT', name: 'mangle_in' },
  'nf-mangle-forward': { table: 'mangle', chain: 'FORWARD', name: 'mangle_fwd' },
  'nf-mangle-output': { table: 'mangle', chain: 'OUTPUT', name: 'mangle_out' },
  'nf-mangle-postrouting': { table: 'mangle', chain: 'POSTROUTING', name: 'mangle_po' },
}

export const netfilterHooks = Object.keys(netfilterPlaces) as readonly NetfilterHook[]

export const isNetfilterHook = (hook: Hook): hook is NetfilterHook => Object.hasOwn(netfilterPlaces, hook)

/** The hooks that run a base chain of this name, of whichever table. */
export const hooksAt = (...chains: readonly NetfilterChain[]): NetfilterHook[] =>
  netfilterHooks.filter(hook => chains.includes(netfilterPlaces[hook].chain))

/** The hooks that run the base chains of a table. */
export const hooksOfTable = (table: TableName): NetfilterHook[] =>
  netfilterHooks.filter(hook => netfilterPlaces[hook].table === table)

/** Whether packets come to a hook from processes too, which the kernel's own packets interrupt. */
export const isProcessContext = (hook: Hook): boolean =>
  hook === 'tc-egress' || hooksAt('OUTPUT', 'POSTROUTING').some(other => other === hook)
