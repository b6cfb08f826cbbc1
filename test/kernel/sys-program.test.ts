import { explainFailure } from '../../src/kernel/feature.ts'
import { closeMap, createMap } from '../../src/kernel/map.ts'
import { closeProgram, loadProgram, loadProgramLater } from '../../src/kernel/program.ts'
import { SystemError } from '../../src/kernel/sys/error.ts'
import { programInfoOf } from '../../src/kernel/sys/object.ts'
import { testRun } from '../../src/kernel/testrun.ts'
import { VerifierError } from '../../src/kernel/verifier/error.ts'
import { SizeBits } from '../../translator/asm/opcode.ts'
import { r0, r1, r2, r3, r6, r10 } from '../../translator/asm/register.ts'
import { contentsOf } from '../../translator/contents.ts'
import type { FunctionSpec, MapSpec } from '../../translator/program.ts'
import * as asm from './assemble.ts'
import { kernelTest } from './needs-kernel.ts'

const none = new Map()
const packet = new Uint8Array(64)

kernelTest('a program of each type is loaded under its name', t => {
  for (const hook of ['xdp', 'tc-ingress', 'nf-input'] as const) {
    const program = loadProgram(asm.always(hook, 1), none)
    t.is(programInfoOf(program.fd).name, 'test')
    closeProgram(program)
  }
})

kernelTest('a test run gives the verdict and the packet', t => {
  const program = loadProgram(asm.always('xdp', 2), none)
  const sent = Uint8Array.from({ length: 64 }, (_, index) => index)
  const { retval, dataOut } = testRun(program, sent)
  t.is(retval, 2)
  t.deepEqual(dataOut, sent)
  closeProgram(program)
})

const value: MapSpec = {
  name: 'value',
  type: 'ARRAY',
  keySize: 4,
  valueSize: 64,
  maxEntries: 1,
  flags: 0,
  shared: false,
  contents: contentsOf([
    { key: new Uint8Array(4), value: Uint8Array.from({ length: 64 }, (_, index) => index) },
  ]),
}

kernelTest('a map value is read at its offset', t => {
  const address = asm.relocated(asm.loadMap(r1, 'value'), { kind: 'map-value', map: 'value', offset: 40 })
  const body = [address, asm.load(r0, r1, 0, SizeBits.B), asm.exit]
  const map = createMap(value)
  const program = loadProgram(asm.program('xdp', [asm.main(body)], [value]), new Map([['value', map]]))
  t.is(testRun(program, packet).retval, 40)
  closeProgram(program)
  closeMap(map)
})

/** Global functions of each kind of parameter; `sum` reads the 8 bytes it is passed. */
const sum: FunctionSpec = {
  name: 'sum',
  parameters: [
    { name: 'number', type: { kind: 'scalar' } },
    { name: 'memory', type: { kind: 'memory', size: 8 } },
    { name: 'context', type: { kind: 'context' } },
  ],
  instructions: [
    asm.move(r0, 0),
    asm.skipIfZero(r2, 2),
    asm.load(r0, r2, 4, SizeBits.W),
    asm.addRegister(r0, r1),
    asm.exit,
  ],
}

kernelTest('functions are called past one that is not, with every kind of parameter', t => {
  for (const hook of ['xdp', 'tc-ingress'] as const) {
    const body = [
      asm.copy(r3, r1),
      asm.storeImmediate(r10, -4, 30),
      asm.storeImmediate(r10, -8, 0),
      asm.copy(r2, r10),
      asm.add(r2, -8),
      asm.move(r1, 12),
      asm.call({ kind: 'function', name: 'sum' }),
      asm.exit,
    ]
    const filler: FunctionSpec = { ...asm.main([asm.move(r0, 0), asm.exit]), name: 'filler' }
    const program = loadProgram(asm.program(hook, [asm.main(body), filler, sum]), none)
    t.is(testRun(program, packet).retval, 42, hook)
    closeProgram(program)
  }
})

kernelTest('a netfilter program reads kernel structs by member and calls kfuncs by name', t => {
  const skb = { kind: 'member', struct: 'bpf_nf_ctx', member: ['skb'] } as const
  const body = [
    asm.relocated(asm.load(r1, r1, 0, SizeBits.DW), skb),
    asm.copy(r6, r1),
    asm.relocated(asm.move(r2, 0), { kind: 'type', struct: 'sk_buff' }),
    asm.call({ kind: 'kfunc', name: 'bpf_rdonly_cast' }),
    asm.relocated(asm.load(r0, r0, 0, SizeBits.W), { kind: 'member', struct: 'sk_buff', member: ['len'] }),
    asm.move(r0, 1),
    asm.exit,
  ]
  const program = loadProgram(asm.program('nf-input', [asm.main(body)]), none)
  const run = testRun(program, new Uint8Array(40).fill(0x45, 0, 1))
  t.is(run.retval, 1)
  closeProgram(program)
})

kernelTest('a refused program names the instruction and its rule', t => {
  const bad = { ...asm.load(r0, r1, 4000, SizeBits.W), origin: { rule: 17, comment: 'read the mark' } }
  const helper: FunctionSpec = {
    name: 'broken',
    parameters: [{ name: 'context', type: { kind: 'context' } }],
    instructions: [asm.loadMap(r2, 'value'), bad, asm.exit],
  }
  const body = [asm.call({ kind: 'function', name: 'broken' }), asm.exit]
  const map = createMap(value)
  const spec = asm.program('xdp', [asm.main(body), helper], [value])
  const error = t.throws(() => loadProgram(spec, new Map([['value', map]])), { instanceOf: VerifierError })
  t.is(error?.code, 'ERR_VERIFIER')
  t.like(error?.place, { function: 'broken', index: 1, slot: 4 })
  t.is(error?.place?.instruction, bad)
  t.is(
    error?.message,
    'the verifier refused program test at function broken, instruction 1 (rule 17: read the mark): invalid bpf_context access off=4000 size=4',
  )
  t.true(error?.cause instanceof SystemError)
  closeMap(map)
})

const long = Array.from({ length: 300 }, () => asm.move(r0, 2))

kernelTest('programs are loaded in threads, and say as much where they are refused', async t => {
  const begin = (...body: Parameters<typeof asm.main>[0]) =>
    loadProgramLater(asm.program('xdp', [asm.main(body)]), none)
  const refused = begin(...long, asm.load(r0, r1, 4000, SizeBits.W), asm.exit)
  for (const program of await Promise.all([begin(...long, asm.exit), begin(asm.move(r0, 2), asm.exit)])) {
    t.is(testRun(program, packet).retval, 2)
    closeProgram(program)
  }
  const error = await t.throwsAsync(refused, { instanceOf: VerifierError })
  t.is(error?.place?.index, 300)
})

kernelTest('an instruction that cannot be reached is named too', t => {
  const spec = asm.program('xdp', [asm.main([asm.move(r0, 1), asm.exit, asm.move(r0, 2), asm.exit])])
  const error = t.throws(() => loadProgram(spec, none), { instanceOf: VerifierError })
  t.is(error?.place?.index, 2)
  t.is(error?.reason, 'unreachable insn 2')
})

kernelTest('a member this kernel lacks is named', t => {
  const lacking = { kind: 'member', struct: 'sk_buff', member: ['no_such'] } as const
  const spec = asm.program('nf-input', [
    asm.main([asm.relocated(asm.load(r0, r1, 0, SizeBits.W), lacking), asm.exit]),
  ])
  t.throws(() => loadProgram(spec, none), {
    code: 'ERR_BTF',
    message: /struct sk_buff has no member no_such/,
  })
})

kernelTest('a failure of a feature the kernel has is not blamed on the kernel', t => {
  const failed = {
    syscall: 'bpf',
    command: 'BPF_LINK_CREATE',
    purpose: 'attach',
    errno: 22,
    reason: 'Invalid argument',
  }
  const error = new SystemError(failed)
  for (const type of ['XDP', 'TCX', 'NETFILTER'] as const)
    t.is(explainFailure(error, { kind: 'link', type }), error)
})
