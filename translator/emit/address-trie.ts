// The steps of the walk that go through the trie; address-type.ts says what it is made of.

import {
  add,
  addImmediate,
  and,
  lshImmediate,
  mov,
  mov32,
  movImmediate,
  neg32,
  or32,
  rsh,
  xor32,
} from '../asm/alu.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { addMember, load, loadMember, store, subMember } from '../asm/memory.ts'
import { castAt, peek, peekPointer, peekWord } from '../asm/peek.ts'
import { type Register, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10 } from '../asm/register.ts'
import { addressType } from '../field.ts'
import { ROUTE, TABLE, type Walk } from './address-walk.ts'

/** Bits of an address; the root of a trie pretends to lie that high. */
const KEY_BITS = 32

/** Finds the table in its list, and goes to the root of its trie. r7 is the list's node. */
export function emitTable(walk: Walk): void {
  const { assembler, next, done, unicast } = walk
  const here = assembler.label('table_found')
  assembler.emit(movImmediate(r0, addressType.BROADCAST), jumpIf('==', r7, immediate(0), done))
  assembler.emit(
    mov(r9, r7),
    subMember(r9, 'fib_table', 'tb_hlist'),
    ...peek('u32', r1, r9, 'fib_table', 'tb_id'),
    load('u64', r2, r10, TABLE),
    jumpIf('==', r1, register(r2), here),
    ...peekPointer(r7, r7, 'hlist_node', 'next'),
    jump(next),
  )
  assembler.place(here)
  assembler.emit(
    ...peekPointer(r8, r9, 'fib_table', 'tb_data'),
    addMember(r8, 'trie', 'kv'),
    movImmediate(r9, 0),
    ...peekChild(r7, r8, r9),
    jumpIf('==', r7, immediate(0), unicast),
  )
  walk.go('down')
}

/** dst = the child of a node with the index in a register, or with index 0 the first route of a leaf. */
const peekChild = (dst: Register, node: Register, index: Register): Instruction[] => [
  mov(r1, index),
  lshImmediate(r1, 3),
  add(r1, node),
  addMember(r1, 'key_vector', 'leaf'),
  ...peekWord(dst, r1),
]

/** r1 key, r2 pos, r3 bits, r4 slen of the node in r7. */
const loadNode = (): Instruction[] => [
  ...castAt(r7, 'key_vector'),
  loadMember('u32', r1, r0, 'key_vector', 'key'),
  loadMember('u8', r2, r0, 'key_vector', 'pos'),
  loadMember('u8', r3, r0, 'key_vector', 'bits'),
  loadMember('u8', r4, r0, 'key_vector', 'slen'),
]

/** Down by the bits of the address. */
export function emitDown(walk: Walk): void {
  const { assembler, next } = walk
  const [prefix, leaf, skip, back] = (['not_here', 'leaf', 'no_way_back', 'no_child'] as const).map(name =>
    assembler.label(name),
  ) as [Label, Label, Label, Label]
  assembler.emit(
    ...loadNode(),
    xor32(r1, r6),
    rsh(r1, r2),
    mov(r5, r1),
    rsh(r5, r3),
    jumpIf('!=', r5, immediate(0), prefix),
    jumpIf('==', r3, immediate(0), leaf),
    // below are prefixes that are shorter than where the node's children part
    jumpIf('<=', r4, register(r2), skip),
    mov(r8, r7),
    mov(r9, r1),
  )
  assembler.place(skip)
  assembler.emit(mov(r5, r1), ...peekChild(r7, r7, r5), jumpIf('!=', r7, immediate(0), next))
  assembler.place(back)
  walk.go('back')
  assembler.place(prefix)
  walk.go('prefix')
  assembler.place(leaf)
  emitLeaf(walk)
}

/** On to the routes of the leaf in r7. */
function emitLeaf(walk: Walk): void {
  walk.assembler.emit(...peekPointer(r1, r7, 'key_vector', 'leaf'), store('u64', r10, ROUTE, r1))
  walk.go('route')
}

/** Down by zeros, where prefixes shorter than the way here lie; a node that has none of the address's goes back. */
export function emitPrefix(walk: Walk): void {
  const { assembler, next } = walk
  const back = assembler.label('no_prefix')
  const leaf = assembler.label('prefix_leaf')
  assembler.emit(
    ...loadNode(),
    // the bits in which they differ lie below the lowest one of the key
    mov32(r5, r1),
    neg32(r5),
    or32(r5, r1),
    xor32(r1, r6),
    and(r5, r1),
    jumpIf('!=', r5, immediate(0), back),
    jumpIf('==', r4, register(r2), back),
    jumpIf('==', r3, immediate(0), leaf),
    ...peekPointer(r7, r7, 'key_vector', 'leaf'),
    jumpIf('!=', r7, immediate(0), next),
  )
  assembler.place(back)
  walk.go('back')
  assembler.place(leaf)
  emitLeaf(walk)
}

/** Clears the lowest bit of the way taken and goes there, or one node up where there is none left. */
export function emitBack(walk: Walk): void {
  const { assembler, next, unicast } = walk
  const up = assembler.label('up')
  assembler.emit(
    jumpIf('==', r9, immediate(0), up),
    mov(r1, r9),
    addImmediate(r1, -1),
    and(r9, r1),
    ...peekChild(r7, r8, r9),
    jumpIf('==', r7, immediate(0), next),
  )
  walk.go('prefix')
  assembler.place(up)
  assembler.emit(
    ...peek('u8', r1, r8, 'key_vector', 'pos'),
    jumpIf('>=', r1, immediate(KEY_BITS), unicast),
    loadMember('u32', r9, r0, 'key_vector', 'key'),
    subMember(r8, 'tnode', 'kv'),
    ...peekPointer(r8, r8, 'tnode', 'parent'),
    ...peek('u32', r1, r8, 'key_vector', 'key'),
    loadMember('u8', r2, r0, 'key_vector', 'pos'),
    xor32(r9, r1),
    rsh(r9, r2),
    jump(next),
  )
}
