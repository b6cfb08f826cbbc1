import test from 'ava'
import fc from 'fast-check'
import {
  add,
  addImmediate32,
  arsh,
  be32,
  le16,
  mod32,
  mov32,
  movImmediate,
  neg,
  neg32,
  xorImmediate,
} from '../../../translator/asm/alu.ts'
import { disassemble } from '../../../translator/asm/disassemble.ts'
import { decode } from '../../../translator/asm/encode.ts'
import type { Instruction } from '../../../translator/asm/instruction.ts'
import { call, callFunction, callKfunc, exit } from '../../../translator/asm/jump.ts'
import { listInstructions, listing } from '../../../translator/asm/listing.ts'
import {
  addMember,
  atomicAdd,
  enumerator,
  hasMember,
  load,
  loadCgroup,
  loadImmediate64,
  loadMap,
  loadMapValue,
  loadMember,
  store,
  storeImmediate,
  structSize,
  subMember,
  ticksPerSecond,
  typeId,
} from '../../../translator/asm/memory.ts'
import { r0, r1, r2, r10 } from '../../../translator/asm/register.ts'
import { golden } from '../../golden.ts'
import { sshProgram, sshRules } from './ssh-program.ts'

const decoded = (hex: string): Instruction => decode(Buffer.from(hex, 'hex'))[0] ?? exit()

test('what the constructors make reads as bpftool would print it', t => {
  const texts: [Instruction, string][] = [
    [add(r1, r2), 'r1 += r2'],
    [addImmediate32(r1, -5), 'w1 += -5'],
    [mov32(r1, r2), 'w1 = w2'],
    [movImmediate(r0, 2), 'r0 = 2'],
    [arsh(r1, r2), 'r1 s>>= r2'],
    [mod32(r1, r2), 'w1 %= w2'],
    [xorImmediate(r1, 255), 'r1 ^= 255'],
    [neg(r1), 'r1 = -r1'],
    [neg32(r1), 'w1 = -w1'],
    [be32(r1), 'r1 = be32 r1'],
    [le16(r1), 'r1 = le16 r1'],
    [load('u32', r1, r10, -8), 'r1 = *(u32 *)(r10 -8)'],
    [
      loadMember('u16', r1, r2, 'sk_buff', 'headers', 'protocol'),
      'r1 = *(u16 *)(r2 + sk_buff.headers.protocol)',
    ],
    [store('u64', r10, -16, r1), '*(u64 *)(r10 -16) = r1'],
    [storeImmediate('u8', r1, 3, 7), '*(u8 *)(r1 +3) = 7'],
    [atomicAdd('u64', r0, 8, r1), 'lock *(u64 *)(r0 +8) += r1'],
    [loadImmediate64(r1, -1n), 'r1 = 0xffffffffffffffff'],
    [loadMap(r1, 'counters'), 'r1 = map[counters]'],
    [loadMapValue(r1, 'state', 4), 'r1 = map[state][0]+4'],
    [typeId(r2, 'nf_conn'), 'r2 = btf_id(nf_conn)'],
    [addMember(r2, 'net', 'ipv4'), 'r2 += offsetof(net.ipv4)'],
    [subMember(r2, 'tnode', 'kv'), 'r2 -= offsetof(tnode.kv)'],
    [structSize(r2, 'fib_nh'), 'r2 = sizeof(fib_nh)'],
    [hasMember(r2, 'nf_bridge_info', 'physinif'), 'r2 = exists(nf_bridge_info.physinif)'],
    [enumerator(r2, 'skb_ext_id', 'SKB_EXT_BRIDGE_NF'), 'r2 = SKB_EXT_BRIDGE_NF'],
    [ticksPerSecond(r2), 'r2 = HZ'],
    [loadCgroup(r2, 'user.slice'), 'r2 = cgroup[user.slice]'],
    [call('bpf_fib_lookup'), 'call bpf_fib_lookup#69'],
    [callFunction('chain'), 'call chain'],
    [callKfunc('bpf_rdonly_cast'), 'call bpf_rdonly_cast'],
    [exit(), 'exit'],
  ]
  for (const [instruction, text] of texts) t.is(disassemble(instruction), text)
})

test('what only other compilers make reads well too', t => {
  t.is(disassemble(decoded('0500feff00000000')), 'goto pc-2')
  t.is(disassemble(decoded('06000000a0860100')), 'gotol pc+100000')
  t.is(disassemble(decoded('1501050016000000')), 'if r1 == 0x16 goto pc+5')
  t.is(disassemble(decoded('66010500ffffffff')), 'if w1 s> -0x1 goto pc+5')
  t.is(disassemble(decoded('26010500ffffffff')), 'if w1 > 0xffffffff goto pc+5')
  t.is(disassemble(decoded('4d21050000000000')), 'if r1 & r2 goto pc+5')
  t.is(disassemble(decoded('bf21080000000000')), 'r1 = (s8)r2')
  t.is(disassemble(decoded('3f21010000000000')), 'r1 s/= r2')
  t.is(disassemble(decoded('d701000040000000')), 'r1 = bswap64 r1')
  t.is(disassemble(decoded('8121fcff00000000')), 'r1 = *(s32 *)(r2 -4)')
  t.is(disassemble(decoded('db21000001000000')), 'r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)')
  t.is(disassemble(decoded('c3210000e1000000')), 'r2 = atomic_xchg((u32 *)(r1 +0), r2)')
  t.is(disassemble(decoded('db210000f1000000')), 'r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)')
  t.is(disassemble(decoded('8510000007000000')), 'call pc+7')
  t.is(disassemble(decoded('8500000010270000')), 'call #10000')
  t.is(disassemble(decoded('ff00000000000000')), '(ff)')
})

test('every opcode has a text', t => {
  fc.assert(
    fc.property(fc.nat(0xff), fc.integer({ min: -0x8000, max: 0x7fff }), (opcode, offset) => {
      t.not(disassemble({ opcode, dst: r1, src: r2, offset, immediate: 0 }), '')
    }),
  )
})

test('a target without a label gets a number', t => {
  const instructions = [
    ...decode(Buffer.from('05000100000000000500010000000000', 'hex')),
    movImmediate(r0, 1),
    exit(),
  ]
  t.deepEqual(listInstructions(instructions), [
    '     0: goto L1',
    '     1: goto L2',
    'L1:',
    '     2: r0 = 1',
    'L2:',
    '     3: exit',
  ])
})

test('the listing of a program', t => {
  golden(t, 'test/translator/asm/ssh.listing', listing(sshProgram(), { rules: sshRules }))
})

test('the listing of a program with its bytes', t => {
  golden(t, 'test/translator/asm/ssh-raw.listing', listing(sshProgram(), { rules: sshRules, raw: true }))
})
