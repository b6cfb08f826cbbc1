// Measures the constants of the cost model (translator/cost.ts; docs/cost-model.md says what they mean): rules for single source addresses, in two
// sizes and with each strategy forced. What does not grow with the size is the fixed part, what grows is divided by the steps it
// grew by. Packets differ, but each is measured alone, so that caches and branch prediction are warm: these are proportions, not predictions.

import { closeMap, createMap } from '../src/kernel/map.ts'
import { loadProgram } from '../src/kernel/program.ts'
import { close } from '../src/kernel/sys/object.ts'
import { testRun } from '../src/kernel/testrun.ts'
import { addImmediate, andImmediate32, mov, movImmediate } from '../translator/asm/alu.ts'
import { createAssembler } from '../translator/asm/assembler.ts'
import { call, exit } from '../translator/asm/jump.ts'
import { loadMap, store, storeImmediate } from '../translator/asm/memory.ts'
import { r0, r1, r2, r10 } from '../translator/asm/register.ts'
import type { Strategies } from '../translator/chain.ts'
import { nanoseconds } from '../translator/cost.ts'
import type { MapSpec, ProgramSpec } from '../translator/program.ts'
import { bpftables } from './contender/bpftables.ts'
import { frameOf, protocolNumber } from './frame.ts'
import { machine } from './machine.ts'
import { lacking } from './needs.ts'
import { newRange } from './network.ts'
import { median } from './packet-time.ts'
import { type Random, randomFrom } from './random.ts'
import { filterTable, type Workload } from './workload.ts'

const never = Number.POSITIVE_INFINITY
const FLOWS = 32

/** Median nanoseconds of packets through so many rules for single addresses, none of which matches. */
function measured(rules: number, strategies: Partial<Strategies>): number {
  const random = randomFrom(rules)
  const addresses = Array.from({ length: rules }, () => `10.${random(256)}.${random(256)}.${random(256)}`)
  const text = filterTable(
    'INPUT',
    'ACCEPT',
    addresses.map(address => `-A INPUT -s ${address}/32 -j DROP`),
  )
  const workload: Workload = { family: 4, course: 'INPUT', rules, text, traffic: [] }
  const range = newRange(4, 'INPUT')
  const loaded = bpftables('netfilter', strategies).load(range, workload)
  try {
    return median(flows(random).map(frame => loaded.alone?.(frame) ?? Number.NaN))
  } finally {
    loaded.close()
    range.close()
  }
}

const flows = (random: Random): Uint8Array[] =>
  Array.from({ length: FLOWS }, () =>
    frameOf({
      family: 4,
      source: (10n << 24n) | BigInt(random(2 ** 24)),
      destination: (10n << 24n) | 1n,
      protocol: protocolNumber.udp,
      sourcePort: 1024,
      destinationPort: 53,
    }),
  )

/** What a step costs, and what is left without any: sizes and the steps they take. */
function line(
  strategies: Partial<Strategies>,
  sizes: readonly [number, number],
  steps: (rules: number) => number,
) {
  const [few, many] = sizes.map(size => measured(size, strategies)) as [number, number]
  const step = (many - few) / (steps(sizes[1]) - steps(sizes[0]))
  return { step, fixed: few - step * steps(sizes[0]) }
}

const REPEAT = 200_000

/** Nanoseconds of a look-up of random addresses in a map of prefixes of 8 to 32 bits; without the drawing of them. */
function trie(prefixes: number): number {
  const random = randomFrom(prefixes)
  const keys = new Uint8Array(8 * prefixes)
  const view = new DataView(keys.buffer)
  for (let index = 0; index < prefixes; index++) {
    view.setUint32(8 * index, 8 + random(25), true)
    view.setUint32(8 * index + 4, random(2 ** 32))
  }
  const spec: MapSpec = {
    name: 'prefixes',
    type: 'LPM_TRIE',
    keySize: 8,
    valueSize: 4,
    maxEntries: prefixes,
    flags: 1, // BPF_F_NO_PREALLOC
    shared: false,
    contents: { count: prefixes, keys, values: new Uint8Array(4 * prefixes) },
  }
  return runs(drawing(true), [spec]) - runs(drawing(false), [])
}

/** A program that draws an address, and with `looking` looks it up. */
function drawing(looking: boolean): ProgramSpec['functions'] {
  const assembler = createAssembler()
  assembler.emit(
    call('bpf_get_prandom_u32'),
    andImmediate32(r0, -1),
    store('u32', r10, -4, r0),
    storeImmediate('u32', r10, -8, 32),
  )
  if (looking)
    assembler.emit(loadMap(r1, 'prefixes'), mov(r2, r10), addImmediate(r2, -8), call('bpf_map_lookup_elem'))
  assembler.emit(movImmediate(r0, 1), exit())
  return [
    {
      name: 'draw',
      parameters: [{ name: 'ctx', type: { kind: 'context' } }],
      instructions: assembler.assemble(),
    },
  ]
}

function runs(functions: ProgramSpec['functions'], specs: readonly MapSpec[]): number {
  const maps = new Map(specs.map(spec => [spec.name, createMap(spec)]))
  const spec = {
    name: 'cost',
    hook: 'xdp',
    type: 'XDP',
    license: 'Dual MIT/GPL',
    functions,
    maps: specs,
  } as const
  const program = loadProgram(spec, maps)
  const once = (): number => testRun(program, new Uint8Array(64), { repeat: REPEAT }).duration
  const best = Math.min(once(), once(), once())
  close(program.fd)
  for (const map of maps.values()) closeMap(map)
  return best
}

function report(): void {
  const empty = measured(0, {})
  const asked = line(
    { linear: never, leastDispatch: never, leastSeparated: never },
    [64, 512],
    rules => rules,
  )
  // a tree of n single addresses tells 2n + 1 segments apart, down to three in a leaf
  const levels = (rules: number): number => Math.log2((2 * rules + 1) / 3)
  const code = line({ leastDispatch: never, map: 'never' }, [256, 8192], levels)
  const map = line({ leastDispatch: never, leastSeparated: 1, map: 'always' }, [256, 8192], levels)
  const hash = measured(4096, { leastDispatch: 1, dispatch: 'always' }) - empty
  const tries = [256, 16384].map(trie) as [number, number]
  const { processor, kernel, node, jit } = machine()
  const row = (name: string, value: number, used?: number): string =>
    `${name.padEnd(52)} ${value.toFixed(2).padStart(8)} ${used === undefined ? '' : used.toFixed(2).padStart(8)}`
  console.log(`${processor}, Linux ${kernel}, Node ${node}, JIT ${jit}\n`)
  console.log(
    [
      `${'nanoseconds'.padEnd(52)} measured  in use`,
      row('a question, rules asked in turn', asked.step, nanoseconds.question),
      row('a branch of a tree in code', code.step, nanoseconds.branch),
      row('a branch of a tree in a map', map.step, nanoseconds.mapBranch),
      row(
        'a tree in a map beside its branches',
        map.fixed - empty,
        nanoseconds.walk + nanoseconds.tree + nanoseconds.answer,
      ),
      row('a look-up in a hash map', hash, nanoseconds.hash),
      row('a look-up among 256 prefixes', tries[0]),
      row('a look-up among 16,384 prefixes', tries[1]),
      row('everything else (headers, policy, counter)', empty),
    ].join('\n'),
  )
}

const missing = lacking()
if (missing === undefined) report()
else {
  console.error(missing)
  process.exitCode = 1
}
