// Loops along trees, bounded by the kernel or turn by turn: as Linux 6.9 takes them, and those before.

import { parseSave } from 'iptables-parser'
import { frameOf, protocolNumber } from '../../bench/frame.ts'
import { closeMap, createMap } from '../../src/kernel/map.ts'
import { closeProgram, loadProgram } from '../../src/kernel/program.ts'
import { programInfoOf } from '../../src/kernel/sys/object.ts'
import { testRun } from '../../src/kernel/testrun.ts'
import { r0, r2, r3, r10 } from '../../translator/asm/register.ts'
import { newLayout } from '../../translator/counter.ts'
import { lanesFor } from '../../translator/lane.ts'
import { translate } from '../../translator/translate.ts'
import * as asm from './assemble.ts'
import { type Random, seeded } from './harness/random.ts'
import { verify } from './harness/verified.ts'
import { kernelTest } from './needs-kernel.ts'

const { BPFTABLES_SEED: given } = process.env
const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)

const RULES = 800

/** Of few, so that many packets meet rules. */
const addressOf = (number: number): number => (Math.imul(number + 1, 0x9e37_79b1) >>> 0) % 0xe000_0000
const ADDRESSES = 400

function address(random: Random, lengths: readonly number[]): string {
  const length = random.pick(lengths)
  const rest = 2 ** (32 - length)
  const first = Math.floor(addressOf(random.below(ADDRESSES)) / rest) * rest
  return `${[24, 16, 8, 0].map(shift => (first >>> shift) & 255).join('.')}/${length}`
}

function ports(random: Random, side: 'sport' | 'dport'): string {
  const low = random.below(60_000)
  return ` --${side} ${low}:${low + random.below(5000)}`
}

/** Wide in other fields each, so that they are in several trees. */
const kinds = [
  random => ` -s ${address(random, [32, 31, 30, 28])}`,
  random => ` -d ${address(random, [32, 31, 30, 28])}`,
  random => ` -s ${address(random, [32, 28])} -p tcp -m tcp${ports(random, 'dport')}`,
  random => ` -d ${address(random, [32, 28])} -p udp -m udp${ports(random, 'sport')}`,
  random => ` -p tcp -m tcp${ports(random, 'sport')}${ports(random, 'dport')}`,
  random => ` -s ${address(random, [32])} -d ${address(random, [32])} -p udp -m udp`,
] as const satisfies readonly ((random: Random) => string)[]

function drawRules(random: Random): string {
  const rules = Array.from(
    { length: RULES },
    (_, at) => `-A INPUT${kinds[at % kinds.length]?.(random) ?? ''} -j ${random.pick(['ACCEPT', 'DROP'])}\n`,
  )
  return `*filter\n:INPUT ACCEPT [0:0]\n${rules.join('')}COMMIT\n`
}

const drawFrame = (random: Random): Uint8Array =>
  frameOf({
    family: 4,
    source: BigInt(addressOf(random.below(ADDRESSES))),
    destination: BigInt(addressOf(random.below(ADDRESSES))),
    protocol: protocolNumber[random.pick(['tcp', 'udp'] as const)],
    sourcePort: random.below(65_536),
    destinationPort: random.below(65_536),
  })

/** struct nf_hook_state begins with the hook (NF_INET_LOCAL_IN) and the family. */
const context = new Uint8Array(48)
context.set([1, 2])

kernelTest(
  'programs with open loops and with counted ones answer alike, and the open ones are verified sooner',
  t => {
    const random = seeded(seed)
    const ruleset = parseSave(drawRules(random), { family: 4 })
    const options = { lanes: lanesFor('netfilter', [ruleset]), counters: newLayout([ruleset]) }
    const translation = translate([ruleset], options)
    const spec = translation.kind === 'translated' ? translation.programs[0]?.spec : undefined
    if (!spec) throw new Error(`seed ${seed}: does not translate`)
    const isOpen = ({ relocation }: (typeof spec.functions)[number]['instructions'][number]): boolean =>
      relocation?.kind === 'open-loop'
    t.true(
      spec.functions.some(({ instructions }) => instructions.some(isOpen)),
      `seed ${seed}`,
    )
    const maps = new Map(spec.maps.map(map => [map.name, createMap(map)]))
    const [open, counted] = [loadProgram(spec, maps), loadProgram(spec, maps, 'counted')]
    try {
      const [few, many] = [open, counted].map(({ fd }) => programInfoOf(fd).verified_insns)
      t.true((few ?? 0) < (many ?? 0), `seed ${seed}: ${few} and ${many}`)
      const answers = new Set<number>()
      for (let packet = 0; packet < 500; packet++) {
        const frame = drawFrame(random)
        const { retval } = testRun(open, frame, { context })
        answers.add(retval)
        t.is(retval, testRun(counted, frame, { context }).retval, `seed ${seed}, packet ${packet}`)
      }
      t.is(answers.size, 2, `seed ${seed}`)
    } finally {
      closeProgram(open)
      closeProgram(counted)
      for (const map of maps.values()) closeMap(map)
    }
  },
)

/** What is before and behind the rules where packets are dropped early: two thousand instructions to the verifier of Linux 6.18. */
const MOST_BESIDE = 3000

kernelTest('one turn of open loops stands for all where other functions count, as where helpers do', t => {
  const programs = verify('netfilter', 4, drawRules(seeded(seed)))
  const instructionsOf = (name: string): number =>
    programs.find(({ program }) => program === name)?.instructions ?? Number.NaN
  const [decided, early] = [instructionsOf('nf_input_ipv4'), instructionsOf('xdp')]
  t.true(early < decided + MOST_BESIDE, `seed ${seed}: ${early} at xdp, ${decided} at netfilter`)
})

kernelTest('a program that a kernel refuses with open loops has counted ones', t => {
  // the stack is written to at 8 bytes below its end, or at 9
  const hidden = asm.relocated(asm.move(r2, 0), { kind: 'open-loop' })
  const place = [asm.copy(r3, r10), asm.addRegister(r3, r2), asm.storeImmediate(r3, -8, 0)]
  const spec = asm.program('xdp', [asm.main([hidden, ...place, asm.move(r0, 2), asm.exit])])
  const program = loadProgram(spec, new Map())
  t.is(testRun(program, new Uint8Array(64)).retval, 2)
  closeProgram(program)
})
