// What else in the kernel looks at a packet between ingress and the filter table. Connection tracking and the reassembly of fragments
// leave a plain packet as it is; every other hook there (nat, raw, mangle, a table of nf_tables, another's program) may drop or rewrite it. The
// kernel's lists of hooks are read for each packet, so what is added later counts at once.
//
//     struct nf_hook_entries     u16 number | number × (function, argument) | number × struct nf_hook_ops *
//
// Sources: net/netfilter/core.c, include/linux/netfilter.h.

import type { Family } from 'iptables-parser'
import { addImmediate } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { callKfunc, immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadMember, store, storeImmediate, typeId } from '../asm/memory.ts'
import { r0, r1, r2, r3, r10 } from '../asm/register.ts'

/** NF_INET_* (include/uapi/linux/netfilter.h). */
export const hookIndex = { preRouting: 0, localIn: 1, forward: 2, localOut: 3, postRouting: 4 } as const
type HookName = keyof typeof hookIndex

/** enum nf_hook_ops_type: of the kernel's own modules, and of BPF links. */
const owner = { module: 0, bpf: 2 } as const

/** enum nf_ip_hook_priorities, which enum nf_ip6_hook_priorities repeats. Connections are confirmed last, in IPv6 at LOCAL_IN last but one. */
const priority = { defragmentation: -400, conntrack: -200, confirm: 0x7fff_fffe } as const

/** The first priorities behind the tables, which our links are at. */
export const ownPriority = { filter: 1, raw: -299 } as const

/** Lists with more hooks are taken for others'. */
const MOST_HOOKS = 4

/** Of the list that ours has to be the first of, but for defragmentation, no more than two are looked at, however many there are behind. */
const RAW = { listed: 10, read: 2 } as const

const POINTER = 8
/** Bytes of struct nf_hook_entry. */
const ENTRY = 16

export interface OthersCheck {
  readonly family: Family
  /** Loads the network namespace (struct net *) into r1, from registers that calls leave alone. */
  readonly loadNet: readonly Instruction[]
  /** Where so many bytes of stack are free, from the frame pointer. */
  readonly scratch: number
  /** Whether connections may be tracked. */
  readonly conntrack: boolean
  /** Where to go where there is another hook. */
  readonly others: Label
}

export const OTHERS_SCRATCH = POINTER * MOST_HOOKS

/** Goes to `others` where a hook is in one of these lists that may drop or change a packet, or where ours is not the first at LOCAL_IN. Destroys r0 to r5. */
export function emitOthers(assembler: Assembler, hooks: readonly HookName[], check: OthersCheck): void {
  for (const hook of hooks) {
    const done = assembler.label('no_others')
    const none = hook === 'localIn' ? check.others : done
    listHooks(assembler, hook, { listed: MOST_HOOKS, read: MOST_HOOKS }, check, none)
    for (let at = 0; at < MOST_HOOKS; at++) emitHook(assembler, hook, at, check, done)
    assembler.place(done)
  }
}

/** Goes to `others` unless our program for raw is the first at PRE_ROUTING that may do anything to a plain packet. Destroys r0 to r5. */
export function emitRawFirst(assembler: Assembler, check: OthersCheck): void {
  const { scratch, others } = check
  const first = assembler.label('first')
  listHooks(assembler, 'preRouting', RAW, check, others)
  assembler.emit(load('u64', r1, r10, scratch))
  loadOps(assembler)
  assembler.emit(
    jumpIf('!=', r1, immediate(owner.module), first, 32),
    jumpIf('!=', r2, immediate(priority.defragmentation), others, 32),
    load('u64', r1, r10, scratch + POINTER),
    jumpIf('==', r1, immediate(0), others),
  )
  loadOps(assembler)
  assembler.place(first)
  assembler.emit(
    jumpIf('!=', r1, immediate(owner.bpf), others, 32),
    jumpIf('!=', r2, immediate(ownPriority.raw), others, 32),
  )
}

/** Puts the addresses of the first hooks' nf_hook_ops on the stack, zeros behind them. A list may have as many as `listed`. */
function listHooks(
  assembler: Assembler,
  hook: HookName,
  { listed: most, read }: { readonly listed: number; readonly read: number },
  { family, loadNet, scratch, others }: OthersCheck,
  none: Label,
): void {
  const listed = assembler.label('listed')
  for (let at = 0; at < read; at++) assembler.emit(storeImmediate('u64', r10, scratch + POINTER * at, 0))
  assembler.emit(
    ...loadNet,
    addImmediate(r1, POINTER * hookIndex[hook]),
    loadMember('u64', r1, r1, 'net', 'nf', `hooks_ipv${family}`),
    jumpIf('==', r1, immediate(0), none),
    loadMember('u16', r2, r1, 'nf_hook_entries', 'num_hook_entries'),
  )
  for (let number = 1; number <= most; number++) {
    assembler.emit(addImmediate(r1, ENTRY))
    const more = assembler.label('more')
    assembler.emit(jumpIf('!=', r2, immediate(number), more, 32))
    for (let at = 0; at < Math.min(number, read); at++)
      assembler.emit(
        loadMember('u64', r3, r1, 'nf_hook_entries', 'hooks'),
        addImmediate(r1, POINTER),
        store('u64', r10, scratch + POINTER * at, r3),
      )
    assembler.emit(jump(listed))
    assembler.place(more)
  }
  assembler.emit(jump(others))
  assembler.place(listed)
}

/** The owner of the hook whose nf_hook_ops r1 points to, to r1, and its priority to r2. */
const loadOps = (assembler: Assembler): void =>
  assembler.emit(
    typeId(r2, 'nf_hook_ops'),
    callKfunc('bpf_rdonly_cast'),
    loadMember('u32', r2, r0, 'nf_hook_ops', 'priority'),
    // hook_ops_type, a bit field of eight bits, lies right behind
    addImmediate(r0, 1),
    loadMember('u8', r1, r0, 'nf_hook_ops', 'pf'),
  )

/** One hook of the list on the stack; goes to `none` behind the last. */
function emitHook(
  assembler: Assembler,
  hook: HookName,
  at: number,
  { scratch, conntrack, others }: OthersCheck,
  none: Label,
): void {
  assembler.emit(load('u64', r1, r10, scratch + POINTER * at), jumpIf('==', r1, immediate(0), none))
  loadOps(assembler)
  if (hook === 'localIn' && at === 0)
    return assembler.emit(
      jumpIf('!=', r1, immediate(owner.bpf), others, 32),
      jumpIf('!=', r2, immediate(ownPriority.filter), others, 32),
    )
  const known = assembler.label('known')
  if (hook !== 'preRouting') {
    const module = assembler.label('module')
    assembler.emit(
      jumpIf('!=', r1, immediate(owner.bpf), module, 32),
      jumpIf('s>=', r2, immediate(ownPriority.filter), known, 32),
      jump(others),
    )
    assembler.place(module)
  }
  assembler.emit(
    jumpIf('!=', r1, immediate(owner.module), others, 32),
    jumpIf('==', r2, immediate(priority.defragmentation), known, 32),
  )
  if (conntrack)
    assembler.emit(
      jumpIf('==', r2, immediate(priority.conntrack), known, 32),
      jumpIf('s>=', r2, immediate(priority.confirm), known, 32),
    )
  assembler.emit(jump(others))
  assembler.place(known)
}
