import test from 'ava'
import { readRejection } from '../../../src/kernel/verifier/log.ts'

test('the last instruction printed is the one refused', t => {
  const log = `0: R1=ctx() R10=fp0
0: (b7) r0 = 0                        ; R0_w=0
1: (61) r2 = *(u32 *)(r1 +400)
invalid bpf_context access off=400 size=4
processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`
  const { message, slot, lines } = readRejection(log)
  t.is(message, 'invalid bpf_context access off=400 size=4')
  t.is(slot, 1)
  t.is(lines.length, 4)
})

test('a reason of several lines is kept whole, register states are not part of it', t => {
  const log = `12: (71) r1 = *(u8 *)(r0 +64)
; return value[64];
12: R0=map_value(off=0,ks=4,vs=64) R10=fp0
invalid access to map value, value_size=64 off=64 size=1
R0 min value is outside of the allowed memory range
processed 13 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 1`
  const { message, slot } = readRejection(log)
  t.is(slot, 12)
  t.is(
    message,
    'invalid access to map value, value_size=64 off=64 size=1; R0 min value is outside of the allowed memory range',
  )
})

test('the older format of Linux 5.10 is read as well', t => {
  const log = `func#0 @0
0: R1=ctx(id=0,off=0,imm=0) R10=fp0
0: (79) r0 = *(u64 *)(r1 +3)
invalid bpf_context access off=3 size=8
verification time 20 usec
stack depth 0
processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0`
  t.like(readRejection(log), { slot: 0, message: 'invalid bpf_context access off=3 size=8' })
})

test('a check before the walk names the slot in words', t => {
  t.like(readRejection('unreachable insn 7\nprocessed 0 insns (limit 1000000)'), {
    slot: 7,
    message: 'unreachable insn 7',
  })
  t.like(readRejection('jump out of range from insn 3 to 90'), { slot: 3 })
})

test('a function refused for its parameters is not blamed on the one verified before it', t => {
  const log = `Validating first() func#1...
4: (b7) r0 = 0
5: (95) exit
Func#1 is safe for any args that match its prototype
Validating sum() func#2...
Arg#1 type PTR in sum() is not supported yet.
processed 0 insns (limit 1000000)`
  t.like(readRejection(log), { slot: undefined, message: 'Arg#1 type PTR in sum() is not supported yet.' })
})

test('a log that ends in the middle names what it can', t => {
  t.like(readRejection('5: (bf) r1 = r6'), { slot: 5, message: '5: (bf) r1 = r6' })
  t.deepEqual(readRejection(''), { message: 'no reason given', slot: undefined, lines: [] })
})

test('a program too large is said to be', t => {
  const log = `99: (05) goto pc-3
BPF program is too large. Processed 1000001 insn
processed 1000001 insns (limit 1000000) max_states_per_insn 4 total_states 9 peak_states 9 mark_read 1`
  t.is(readRejection(log).message, 'BPF program is too large. Processed 1000001 insn')
})
