// Emitted programs in the interpreter against the reference evaluator: the same verdicts and the same counters. Needs no kernel.
// Random rules are drawn anew each run; BPFTABLES_SEED=n begins with the seed of a failure.

import test, { type ExecutionContext } from 'ava'
import { type Family, parseSave, type Ruleset } from 'iptables-parser'
import { fixedRules } from '../fixed-rules.ts'
import { aim } from '../kernel/harness/aim.ts'
import { programs as programsOfRules, u32Tests } from '../kernel/harness/byte-match.ts'
import { extensionMatches } from '../kernel/harness/extension.ts'
import { fixturePackets } from '../kernel/harness/fixture-probes.ts'
import { listCases } from '../kernel/harness/list-match.ts'
import type { Path } from '../kernel/harness/probe.ts'
import { type Feature, randomRules } from '../kernel/harness/random-rules.ts'
import { decidable, families, type HookChoice, hookChoices } from '../kernel/harness/translatable.ts'
import { parsePacket } from '../packet/text.ts'
import { type Arrival, arrivalOf, evaluator, programs, type State } from './simulate.ts'

const states: readonly State[] = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED']

/** What only a kernel knows of a packet is not simulated: those features are left to the differential test. */
const beside: ReadonlySet<Feature> = new Set<Feature>([
  'connection',
  'connmark',
  'mark',
  'pkttype',
  'mac',
  'devgroup',
  'cpu',
  'addrtype',
  'statistic',
])

const told = (hook: HookChoice): Feature[] => decidable(hook).filter(feature => !beside.has(feature))

/** Runs the same packets through both; each verdict is compared, then all counters. */
function agree(
  t: ExecutionContext,
  title: string,
  ruleset: Ruleset,
  hook: HookChoice,
  arrivals: readonly Arrival[],
) {
  const expected = evaluator(ruleset)
  const actual = programs(ruleset, hook)
  const wrong = arrivals.filter(arrival => expected.judge(arrival) !== actual.judge(arrival))
  t.deepEqual(wrong.map(describe), [], `${title}: verdicts`)
  t.deepEqual(
    [...actual.counters()].sort(),
    [...expected.counters()].filter(([, { packets }]) => packets > 0n).sort(),
    `${title}: counters`,
  )
}

const describe = ({ bytes, ...rest }: Arrival): string =>
  `${JSON.stringify(rest)} ${Buffer.from(bytes).toString('hex')}`

const paths: readonly Path[] = [
  { hook: 'INPUT', device: 'eth0' },
  { hook: 'FORWARD', device: 'eth0', out: 'eth1' },
  { hook: 'OUTPUT', device: 'eth1' },
]

const fixtureArrivals = (family: Family): readonly Arrival[] =>
  paths.flatMap(path =>
    fixturePackets(family).flatMap(
      ({ packet }, index) => arrivalOf({ packet, path }, states[index % states.length] ?? 'NEW') ?? [],
    ),
  )

for (const hook of hookChoices)
  for (const family of families)
    test(`IPv${family} at ${hook}: programs judge and count fixture packets as the evaluator does`, t => {
      for (const { name, text, stateful } of fixedRules(family))
        if (!stateful || hook === 'netfilter')
          agree(t, name, parseSave(text, { family }), hook, fixtureArrivals(family))
    })

// iptables-legacy does not print a negated range of all ports, so this cannot be asked of it line by line
test('rules that match nothing still drop what is too short for any of their matches', t => {
  const never = (protocol: string): string =>
    `-A OUTPUT -p ${protocol} -m multiport --sports 0:65535 -m ${protocol} ! --sport 0:65535`
  const text = `*filter\n${never('udp')}\n${never('tcp')}\nCOMMIT\n`
  agree(t, 'never', parseSave(text, { family: 4 }), 'netfilter', fixtureArrivals(4))
})

test('trees may be cut along what only shadowed rules ask', t => {
  const text = `*filter
-A OUTPUT -p tcp -m tcp -j ACCEPT
-A OUTPUT -s 10.1.2.3 -d 192.0.2.2 -p tcp -m tcp --dport 61000 -j DROP
-A OUTPUT -p tcp -m tcp --sport 1024:65535 --dport 40000 -j DROP
-A OUTPUT -p tcp -m tcp -j ACCEPT
-A OUTPUT -s 192.0.2.18 -p tcp -m tcp --dport 40000 -j ACCEPT
-A OUTPUT -d 192.0.2.1 -p tcp -m tcp --dport 61000:61499 -j ACCEPT
COMMIT
`
  agree(t, 'shadowed', parseSave(text, { family: 4 }), 'netfilter', fixtureArrivals(4))
})

for (const hook of hookChoices)
  for (const family of families)
    test(`IPv${family} at ${hook}: programs look at bytes as the evaluator does`, t => {
      const asked = [
        ...u32Tests.flatMap(one => [`-m u32 --u32 "${one}"`, `-m u32 ! --u32 "${one}"`]),
        ...programsOfRules.map(program => `-m bpf --bytecode "${program}"`),
        ...(family === 6 ? extensionMatches : []),
      ]
      // a program asks no more than so many different questions
      for (let first = 0; first < asked.length; first += 20) {
        const rules = asked
          .slice(first, first + 20)
          .flatMap(one => ['INPUT', 'FORWARD', 'OUTPUT'].map(chain => `-A ${chain} ${one}`))
        const text = `*filter\n${rules.join('\n')}\nCOMMIT\n`
        agree(t, text, parseSave(text, { family }), hook, fixtureArrivals(family))
      }
    })

for (const hook of hookChoices)
  for (const family of families)
    for (const { name, rules, packets } of listCases(family))
      test(`IPv${family} at ${hook}: ${name}: programs walk along lists as the evaluator does`, t => {
        const arrivals = paths.flatMap(path =>
          packets.flatMap(text => arrivalOf({ packet: parsePacket(text), path }, 'NEW') ?? []),
        )
        const asked = rules.flatMap(rule =>
          paths.map(({ hook: chain }, index) => `-A ${chain} ${rule}${index === 0 ? '' : ' -j ACCEPT'}`),
        )
        agree(t, name, parseSave(['*filter', ...asked, 'COMMIT', ''].join('\n'), { family }), hook, arrivals)
      })

const { BPFTABLES_SEED: givenSeed } = process.env
const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)
const SEEDS = 15

for (const hook of hookChoices)
  for (const family of families)
    test(`IPv${family} at ${hook}: programs judge and count random packets as the evaluator does`, t => {
      t.log(`BPFTABLES_SEED=${firstSeed}`)
      for (let seed = firstSeed; seed < firstSeed + SEEDS; seed++) {
        const text = randomRules({ seed, family, features: told(hook), rules: 40 })
        const ruleset = parseSave(text, { family })
        const arrivals = aim(ruleset, { seed }).probes.flatMap(
          (probe, index) => arrivalOf(probe, states[index % states.length] ?? 'NEW') ?? [],
        )
        t.true(arrivals.length > 100)
        agree(t, `BPFTABLES_SEED=${seed}\n${text}`, ruleset, hook, arrivals)
      }
    })
