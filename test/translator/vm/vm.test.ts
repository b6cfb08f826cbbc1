import test from 'ava'
import { addImmediate, mov, movImmediate, sub } from '../../../translator/asm/alu.ts'
import type { Instruction } from '../../../translator/asm/instruction.ts'
import { call, callFunction, callKfunc, exit } from '../../../translator/asm/jump.ts'
import {
  load,
  loadImmediate64,
  loadMap,
  loadMapValue,
  loadMember,
  store,
  storeImmediate,
} from '../../../translator/asm/memory.ts'
import { GOTOL, JA } from '../../../translator/asm/opcode.ts'
import { r0, r1, r2, r3, r4, r6, r7, r10 } from '../../../translator/asm/register.ts'
import { contentsOf } from '../../../translator/contents.ts'
import type { FunctionSpec, MapSpec, ProgramSpec } from '../../../translator/program.ts'
import type { NetfilterInput, TcInput, VmInput, XdpInput } from '../../../translator/vm/context.ts'
import { VmError, type VmErrorCode } from '../../../translator/vm/error.ts'
import { type FibQuery, fibResult } from '../../../translator/vm/fib.ts'
import { newVm, type VmOptions } from '../../../translator/vm/vm.ts'
import { build } from '../../packet/build.ts'
import { parsePacket } from '../../packet/text.ts'
import { sshProgram } from '../asm/ssh-program.ts'
import { establishedProgram } from '../elf/nf-program.ts'

const types = { xdp: 'XDP', 'tc-ingress': 'SCHED_CLS', 'nf-input': 'NETFILTER' } as const

const fn = (name: string, instructions: readonly Instruction[]): FunctionSpec => ({
  name,
  parameters: [],
  instructions,
})

const program = (
  instructions: readonly Instruction[],
  rest: {
    hook?: keyof typeof types
    maps?: readonly MapSpec[]
    functions?: readonly FunctionSpec[]
    name?: string
  } = {},
): ProgramSpec => ({
  name: rest.name ?? 'test',
  hook: rest.hook ?? 'xdp',
  type: types[rest.hook ?? 'xdp'],
  license: 'Dual MIT/GPL',
  functions: [fn('main', instructions), ...(rest.functions ?? [])],
  maps: rest.maps ?? [],
})

const xdp: XdpInput = { kind: 'xdp', packet: Uint8Array.from({ length: 64 }, (_, at) => at), ifindex: 3 }

const tc: TcInput = { kind: 'tc', packet: xdp.packet, ifindex: 3, ingressIfindex: 2, protocol: 0x0800 }

const inputs = { xdp, 'tc-ingress': tc } as const

const verdictOf = (spec: ProgramSpec, input: VmInput = xdp, options: VmOptions = {}): number =>
  newVm([spec], options).run('test', input).verdict

const map = (name: string, type: MapSpec['type'], rest: Partial<MapSpec> = {}): MapSpec => ({
  name,
  type,
  keySize: 4,
  valueSize: 8,
  maxEntries: 1,
  flags: 0,
  shared: false,
  ...rest,
})

test('what a program returns is its verdict, with its sign', t => {
  t.is(verdictOf(program([movImmediate(r0, 2), exit()])), 2)
  t.is(verdictOf(program([movImmediate(r0, -1), exit()])), -1)
  t.is(verdictOf(program([loadImmediate64(r0, 0x1_0000_0001n), exit()])), 1)
})

test('both hooks see the frame, and may change it', t => {
  const offsets = { xdp: 0, 'tc-ingress': 76 } as const
  for (const hook of ['xdp', 'tc-ingress'] as const) {
    const at = offsets[hook]
    const body = [
      load('u32', r2, r1, at),
      load('u32', r3, r1, at + 4),
      load('u8', r0, r2, 9),
      storeImmediate('u16', r2, 12, 0x0608),
      sub(r3, r2),
      store('u8', r2, 0, r3),
      exit(),
    ]
    const result = newVm([program(body, { hook })]).run('test', inputs[hook])
    t.is(result.verdict, 9)
    t.deepEqual([...result.packet.subarray(0, 14)], [64, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 8, 6])
    t.is(xdp.packet[0], 0, 'the packet given stays')
  }
})

test('xdp_md and __sk_buff have their fields', t => {
  const read = (offset: number, hook: keyof typeof inputs, input: VmInput) =>
    verdictOf(program([load('u32', r0, r1, offset), exit()], { hook }), input)
  t.is(read(12, 'xdp', xdp), 3)
  const tagged: TcInput = { ...tc, mark: 7, vlan: { tci: 0x2005, protocol: 0x8100 } }
  const fields = [0, 8, 16, 20, 24, 28, 36, 40].map(offset => read(offset, 'tc-ingress', tagged))
  t.deepEqual(fields, [64, 7, 0x0008, 1, 0x2005, 0x0081, 2, 3])
  t.is(read(20, 'tc-ingress', tc), 0)
})

test('a tc program may set the mark, and nothing that is the kernel’s', t => {
  const set = (offset: number) =>
    program([storeImmediate('u32', r1, offset, 5), movImmediate(r0, 0), exit()], { hook: 'tc-ingress' })
  t.is(newVm([set(8)]).run('test', tc).mark, 5)
  t.throws(() => newVm([set(40)]).run('test', tc), {
    code: 'ERR_VM_MEMORY',
    message: /__sk_buff cannot be written at offset 40/,
  })
})

test('frames get the verdict of their rule, and are counted', t => {
  const vm = newVm([sshProgram()])
  const run = (text: string) =>
    vm.run('ssh', { kind: 'xdp', packet: build(parsePacket(text)), ifindex: 1 }).verdict
  t.is(run('ether / ip src=192.0.2.1 dst=192.0.2.2 / tcp dport=22 flags=syn'), 2)
  t.is(run('ether / ip src=192.0.2.1 dst=192.0.2.2 / tcp dport=80 flags=syn'), 1)
  t.is(run('ether / ip src=192.0.2.1 dst=192.0.2.2 / tcp dport=22 cut=3'), 1)
  const counted = vm.maps
    .get('counters')
    ?.entries()
    .map(([, value]) => new DataView(value.buffer))
  t.deepEqual(
    counted?.map(view => [view.getBigUint64(0, true), view.getBigUint64(8, true)]),
    [
      [1n, 40n],
      [2n, 63n],
    ],
  )
})

test('the rules a packet meets can be followed', t => {
  const packet = build(parsePacket('ether / ip src=192.0.2.1 dst=192.0.2.2 / udp dport=22'))
  const rules = new Set<number | undefined>()
  newVm([sshProgram()]).run('ssh', { kind: 'xdp', packet, ifindex: 1 }, ({ rule }) => rules.add(rule))
  t.deepEqual([...rules], [undefined, 0, 1])
})

// Netfilter: the established program drops ICMP that came in by interface 1 of a connection that has seen a reply.

const ping: NetfilterInput = {
  kind: 'netfilter',
  packet: build(parsePacket('ip src=192.0.2.1 dst=192.0.2.2 / icmp type=8')),
  hook: 1,
  pf: 2,
  in: { name: 'lo', ifindex: 1 },
  conntrack: { info: 0, status: 2 },
}

test('a netfilter program reads kernel structures and the packet through a dynptr', t => {
  const vm = newVm([establishedProgram()])
  const run = (change: Partial<NetfilterInput>) => vm.run('established', { ...ping, ...change }).verdict
  t.is(run({}), 0)
  t.is(run({ linear: 8 }), 0, 'by way of the buffer')
  t.is(run({ conntrack: { info: 2, status: 0 } }), 1)
  t.is(
    run({ conntrack: { info: 3, status: 0x1a } }),
    0,
    'the lowest bits of _nfct are no part of the address',
  )
  t.is(run({ conntrack: 'untracked' }), 1)
  t.is(run({ in: { name: 'eth0', ifindex: 2 } }), 1)
  t.is(run({ packet: build(parsePacket('ip src=192.0.2.1 dst=192.0.2.2 / udp dport=53')) }), 1)
  t.is(run({ packet: ping.packet.subarray(0, 12) }), 1, 'too short for a slice')
  const { in: _, ...without } = ping
  t.is(vm.run('established', without).verdict, 1)
  const seen = vm.maps.get('seen')?.lookup(new Uint8Array(4))
  t.deepEqual([seen?.[0], seen?.[8]], [3, 9])
})

test('the name of a device is in its structure; that of no device reads as zero', t => {
  const spec = program(
    [
      loadMember('u64', r2, r1, 'bpf_nf_ctx', 'state'),
      loadMember('u64', r2, r2, 'nf_hook_state', 'in'),
      loadMember('u32', r0, r2, 'net_device', 'name'),
      exit(),
    ],
    { hook: 'nf-input' },
  )
  t.is(verdictOf(spec, ping), 0x6f6c)
  const { in: _, ...without } = ping
  t.is(verdictOf(spec, without), 0)
})

// Functions.

test('a function has its own stack, and leaves r6 to r9 as they were', t => {
  const callee = fn('callee', [
    movImmediate(r6, 99),
    storeImmediate('u64', r10, -8, 77),
    load('u64', r0, r1, 0),
    exit(),
  ])
  const body = [
    movImmediate(r6, 5),
    storeImmediate('u64', r10, -8, 30),
    mov(r1, r10),
    addImmediate(r1, -8),
    callFunction('callee'),
    load('u64', r7, r10, -8),
    { ...addImmediate(r0, 0), opcode: 0x0f, src: r7 },
    { ...addImmediate(r0, 0), opcode: 0x0f, src: r6 },
    exit(),
  ]
  t.is(verdictOf(program(body, { functions: [callee] })), 65)
})

test('a call destroys its arguments', t => {
  const body = [movImmediate(r1, 1), call('bpf_get_smp_processor_id'), mov(r0, r1), exit()]
  t.not(verdictOf(program(body)), 1)
})

test('functions nest eight deep', t => {
  const deep = (depth: number) => {
    const functions = Array.from({ length: depth - 1 }, (_, level) =>
      fn(
        `f${level + 1}`,
        level + 2 < depth ? [callFunction(`f${level + 2}`), exit()] : [movImmediate(r0, 4), exit()],
      ),
    )
    return program([callFunction('f1'), exit()], { functions })
  }
  t.is(verdictOf(deep(8)), 4)
  t.throws(() => verdictOf(deep(9)), { code: 'ERR_VM_CONTROL' })
})

test('far jumps are followed', t => {
  const ja = (opcode: number, distance: number) => ({
    ...exit(),
    opcode,
    ...(opcode === GOTOL ? { immediate: distance } : { offset: distance }),
  })
  t.is(verdictOf(program([ja(GOTOL, 2), movImmediate(r0, 1), exit(), movImmediate(r0, 2), ja(JA, -3)])), 2)
})

// Tail calls.

const programs = map('programs', 'PROG_ARRAY', { valueSize: 4, maxEntries: 2 })
const jumpTo = (index: number) => [
  loadMap(r2, 'programs'),
  movImmediate(r3, index),
  call('bpf_tail_call'),
  movImmediate(r0, 40),
  exit(),
]

test('a tail call goes on in the other program with the same context; an empty slot goes on here', t => {
  const other = program([load('u32', r0, r1, 12), exit()], { name: 'other' })
  const vm = newVm([program(jumpTo(1), { maps: [programs] }), other])
  t.is(vm.run('test', xdp).verdict, 40)
  vm.setTailCall('programs', 1, 'other')
  t.is(vm.run('test', xdp).verdict, 3)
  vm.setTailCall('programs', 1, undefined)
  t.is(vm.run('test', xdp).verdict, 40)
  t.throws(() => vm.setTailCall('programs', 2, 'other'), { code: 'ERR_VM_ARGUMENT' })
  t.throws(() => vm.setTailCall('programs', 0, 'none'), { code: 'ERR_VM_ARGUMENT' })
})

test('a program that calls its own tail does so 33 times', t => {
  const seen = map('seen', 'ARRAY')
  const body = [
    loadMapValue(r6, 'seen'),
    load('u64', r0, r6, 0),
    addImmediate(r0, 1),
    store('u64', r6, 0, r0),
    ...jumpTo(0),
  ]
  const vm = newVm([program(body, { maps: [programs, seen] })])
  vm.setTailCall('programs', 0, 'test')
  t.is(vm.run('test', xdp).verdict, 40)
  t.is(vm.maps.get('seen')?.lookup(new Uint8Array(4))?.[0], 34)
})

// Helpers.

test('the caller plays the routing table', t => {
  const queries: FibQuery[] = []
  const world: VmOptions['world'] = {
    fibLookup: query => {
      queries.push(query)
      return { result: fibResult.NO_NEIGH, ifindex: 9 }
    },
  }
  const body = [
    ...[-64, -56, -48, -40, -32, -24, -16, -8].map(offset => storeImmediate('u64', r10, offset, 0)),
    storeImmediate('u8', r10, -64, 2),
    storeImmediate('u32', r10, -56, 3),
    storeImmediate('u32', r10, -48, 0x010200c0),
    storeImmediate('u32', r10, -32, 0x020200c0),
    mov(r2, r10),
    addImmediate(r2, -64),
    movImmediate(r3, 64),
    movImmediate(r4, 1),
    call('bpf_fib_lookup'),
    load('u32', r1, r10, -56),
    { ...addImmediate(r0, 0), opcode: 0x0f, src: r1 },
    exit(),
  ]
  t.is(verdictOf(program(body), xdp, { world }), 7 + 9)
  t.deepEqual(queries, [
    {
      family: 2,
      source: Uint8Array.from([192, 0, 2, 1]),
      destination: Uint8Array.from([192, 0, 2, 2]),
      ifindex: 3,
      flags: 1,
      length: 0,
    },
  ])
  t.throws(() => verdictOf(program(body)), { code: 'ERR_VM_UNSUPPORTED' })
})

test('the packet can be copied, and brought into one piece', t => {
  const copy = [
    movImmediate(r2, 20),
    mov(r3, r10),
    addImmediate(r3, -8),
    movImmediate(r4, 4),
    call('bpf_skb_load_bytes'),
    load('u8', r0, r10, -8),
    exit(),
  ]
  t.is(verdictOf(program(copy, { hook: 'tc-ingress' }), { ...tc, linear: 14 }), 20)
  const direct = [load('u32', r2, r1, 76), load('u8', r0, r2, 20), exit()]
  t.throws(() => verdictOf(program(direct, { hook: 'tc-ingress' }), { ...tc, linear: 14 }), {
    code: 'ERR_VM_MEMORY',
  })
  const pulled = [mov(r6, r1), movImmediate(r2, 30), call('bpf_skb_pull_data'), mov(r1, r6), ...direct]
  t.is(verdictOf(program(pulled, { hook: 'tc-ingress' }), { ...tc, linear: 14 }), 20)
})

test('maps start with their contents and keep what programs write', t => {
  const values = map('values', 'HASH', {
    maxEntries: 4,
    contents: contentsOf([
      { key: Uint8Array.from([1, 0, 0, 0]), value: Uint8Array.from([42, 0, 0, 0, 0, 0, 0, 0]) },
    ]),
  })
  const at = (key: number) => [
    storeImmediate('u32', r10, -4, key),
    loadMap(r1, 'values'),
    mov(r2, r10),
    addImmediate(r2, -4),
    call('bpf_map_lookup_elem'),
  ]
  const body = [
    ...at(1),
    load('u64', r3, r0, 0),
    addImmediate(r3, 1),
    store('u64', r0, 0, r3),
    mov(r0, r3),
    exit(),
  ]
  const vm = newVm([program(body, { maps: [values] })])
  t.is(vm.run('test', xdp).verdict, 43)
  t.is(vm.run('test', xdp).verdict, 44)
  t.is(newVm([program(body, { maps: [values] })], { maps: vm.maps }).run('test', xdp).verdict, 45)
  t.is(verdictOf(program([...at(2), exit()], { maps: [values] })), 0)
  t.throws(() => newVm([program(body, { maps: [{ ...values, maxEntries: 0 }] })]), {
    code: 'ERR_VM_ARGUMENT',
  })
})

// Errors.

test('what goes wrong is said with the instruction', t => {
  const refused = (instructions: readonly Instruction[], code: VmErrorCode, message: RegExp, rest = {}) =>
    t.throws(() => verdictOf(program(instructions, rest)), { instanceOf: VmError, code, message })
  refused([exit(), exit()].slice(2), 'ERR_VM_CONTROL', /main at slot 0 \(no instruction\): control left/)
  refused([movImmediate(r0, 0)], 'ERR_VM_CONTROL', /slot 1/)
  refused(
    [load('u8', r0, r10, 0), exit()],
    'ERR_VM_MEMORY',
    /test: main at slot 0 \(r0 = \*\(u8 \*\)\(r10 \+0\)\): 1 bytes at offset 512 of the stack, which has 512/,
  )
  refused([load('u64', r0, r10, -516), exit()], 'ERR_VM_MEMORY', /offset -4 of the stack/)
  refused([movImmediate(r2, 0), load('u8', r0, r2, 4)], 'ERR_VM_MEMORY', /0x4 is no address/)
  refused(
    [load('u32', r2, r1, 0), load('u8', r0, r2, 64)],
    'ERR_VM_MEMORY',
    /slot 1 .* offset 64 of the packet/,
  )
  refused([load('u32', r0, r1, 2)], 'ERR_VM_MEMORY', /offset 2 of xdp_md/)
  refused([{ ...exit(), opcode: JA, offset: -1 }], 'ERR_VM_LIMIT', /1000000 instructions/)
  refused([call('bpf_ringbuf_output')], 'ERR_VM_UNSUPPORTED', /helper bpf_ringbuf_output/)
  refused([callKfunc('bpf_xdp_ct_lookup')], 'ERR_VM_UNSUPPORTED', /kernel function bpf_xdp_ct_lookup/)
  refused([callFunction('none')], 'ERR_VM_CONTROL', /no function none/)
  refused([loadMap(r1, 'none')], 'ERR_VM_ARGUMENT', /no map none/)
  refused([movImmediate(r1, 0), call('bpf_map_lookup_elem')], 'ERR_VM_ARGUMENT', /r1 is no map/)
  refused([{ ...exit(), opcode: 0xe5 }], 'ERR_VM_UNSUPPORTED', /opcode 0xe5/)
  refused([{ ...exit(), opcode: 0xe7 }], 'ERR_VM_UNSUPPORTED', /opcode 0xe7/)
  t.throws(() => verdictOf(program([loadMember('u8', r0, r1, 'sk_buff', 'made_up')])), {
    code: 'ERR_VM_UNSUPPORTED',
    message: /sk_buff\.made_up/,
  })
})

test('the error knows the rule of its instruction', t => {
  const bad = { ...load('u8', r0, r10, 0), origin: { rule: 4 } }
  const error = t.throws(() => verdictOf(program([bad])), { instanceOf: VmError })
  t.like(error?.place, { program: 'test', function: 'main', slot: 0, rule: 4 })
})

test('netfilter programs cannot write to the packet or the kernel', t => {
  const write = [
    loadMember('u64', r2, r1, 'bpf_nf_ctx', 'skb'),
    loadMember('u64', r3, r2, 'sk_buff', 'data'),
    storeImmediate('u8', r3, 0, 1),
  ]
  t.throws(() => verdictOf(program(write, { hook: 'nf-input' }), ping), {
    message: /the packet is read-only/,
  })
  write[2] = storeImmediate('u8', r2, 0, 1)
  t.throws(() => verdictOf(program(write, { hook: 'nf-input' }), ping), {
    message: /struct sk_buff is read-only/,
  })
})

test('a program only takes packets of its hook', t => {
  t.throws(() => verdictOf(program([exit()]), ping), {
    code: 'ERR_VM_ARGUMENT',
    message: /not for netfilter/,
  })
  t.throws(() => newVm([]).run('none', xdp), { code: 'ERR_VM_ARGUMENT' })
})

test('maps of one name must be of one shape', t => {
  const other = program([exit()], { name: 'other', maps: [map('m', 'HASH')] })
  t.throws(() => newVm([program([exit()], { maps: [map('m', 'ARRAY')] }), other]), {
    code: 'ERR_VM_ARGUMENT',
  })
})
