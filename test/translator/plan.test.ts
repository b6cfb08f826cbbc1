// Chains that call chains: which stand in place of their calls, which become functions, and how deep calls may nest.

import test from 'ava'
import { parseSave } from 'iptables-parser'
import { slotCount } from '../../translator/asm/encode.ts'
import { blocksIn } from '../../translator/chain.ts'
import type { ChainFunctions } from '../../translator/chain-function.ts'
import { newLayout } from '../../translator/counter.ts'
import { lanesOf } from '../../translator/lane.ts'
import { translate } from '../../translator/translate.ts'
import { randomChains } from '../kernel/harness/random-chains.ts'
import { build } from '../packet/build.ts'
import { parsePacket } from '../packet/text.ts'
import { compileText, mostFrames } from './compile.ts'
import { type Arrival, evaluator, programs } from './simulate.ts'

const filter = (rules: readonly string[], chains: readonly string[] = []): string =>
  [
    '*filter',
    ':INPUT ACCEPT [0:0]',
    ...chains.map(chain => `:${chain} - [0:0]`),
    ...rules,
    'COMMIT',
    '',
  ].join('\n')

const entriesOf = (text: string): ChainFunctions =>
  compileText(text, 4)[0]?.plans[0]?.plan.functions ?? new Map()

const functionsOf = (text: string): readonly string[] => [...entriesOf(text).keys()].sort()

/** More than fits in place of a call. */
const body = [
  '-A user -s 192.0.2.1 -j DROP',
  '-A user -d 192.0.2.2 -j DROP',
  '-A user -s 192.0.2.3 -j ACCEPT',
]

const inPlace: readonly (readonly [what: string, rules: readonly string[]])[] = [
  ['called once, by a rule that asks nothing', ['-A INPUT -j user', ...body]],
  ['called once, from a leaf of a tree', ['-A INPUT -p tcp -j user', ...body]],
  ['gone to once', ['-A INPUT -p tcp -g user', ...body]],
  ['one rule', ['-A INPUT -p tcp -j user', '-A INPUT -p udp -j user', '-A user -s 192.0.2.1 -j DROP']],
  ['empty', ['-A INPUT -p tcp -j user', '-A INPUT -p udp -j user']],
  ['never called', ['-A user -p tcp -j DROP']],
]

for (const [what, rules] of inPlace)
  test(`a chain is no function where it is ${what}`, t =>
    t.deepEqual(functionsOf(filter(rules, ['user'])), []))

const asFunction: readonly (readonly [what: string, rules: readonly string[]])[] = [
  ['called from two leaves', ['-A INPUT -p tcp -j user', '-A INPUT -p udp -j user', ...body]],
  ['called and gone to', ['-A INPUT -p tcp -j user', '-A INPUT -p udp -g user', ...body]],
  ['called twice by rules that ask nothing', ['-A INPUT -j user', '-A INPUT -j user', ...body]],
]

for (const [what, rules] of asFunction)
  test(`a chain is a function where it is ${what}`, t =>
    t.deepEqual(functionsOf(filter(rules, ['user'])), ['user']))

test('a chain that no base chain reaches is in no program', t => {
  const programs = compileText(filter(['-A alone -p tcp -j other', '-A other -p tcp'], ['alone', 'other']), 4)
  t.true(
    programs.every(({ plans }) =>
      plans.every(({ plan }) => !plan.chains.has('alone') && !plan.chains.has('other')),
    ),
  )
})

const numbers = (count: number): number[] => Array.from({ length: count }, (_, number) => number)

/** Chains of a hundred rules each, for packets from one device each, which stand in place of their calls. */
const zones = (count: number, asked = ''): string => {
  const names = Array.from({ length: count }, (_, index) => `zone-${index}`)
  const rulesOf = (name: string, zone: number): string[] =>
    Array.from(
      { length: 100 },
      (_, at) =>
        `-A ${name} -s 10.${zone}.${at}.0/24 -d 172.16.${(7 * at) % 64}.0/22 -p tcp -m tcp --dport ${1000 + at}:2000${asked} -j ${at % 2 ? 'DROP' : 'RETURN'}`,
    )
  return filter(
    [...names.map((name, at) => `-A INPUT -i eth${at} -j ${name}`), ...names.flatMap(rulesOf)],
    names,
  )
}

// what asks for some bits of a mark cannot be in a map
for (const [what, text, functions] of [
  ['little code', zones(2), ['filter']],
  ['much code', zones(5, ' -m mark --mark 0x1/0xff'), ['filter', 'chain4_INPUT']],
  [
    'more than a thousand rules, of which the trees of seven chains are in one map and the others are code',
    zones(11),
    ['filter', 'chains4_0', ...numbers(4).map(zone => `chain4_zone_2d_${zone + 7}`), 'walk0'],
  ],
  ['more than two thousand rules, whose trees are in one map', zones(21), ['filter', 'chains4_0', 'walk0']],
] as const)
  test(`the functions of a program with ${what} are ${functions.join(' and ')}`, t => {
    const [program] = compileText(text, 4)
    t.deepEqual(
      program?.spec.functions.map(({ name }) => name),
      functions,
    )
  })

test('no trees stand in a map where none may, however much code they are', t => {
  const [program = never()] = compileText(zones(21), 4, 'netfilter', { map: 'never' })
  const chains = program.plans.flatMap(({ plan }) => [...plan.chains.values()])
  t.false(
    chains
      .flatMap(({ blocks }) => blocks)
      .flatMap(blocksIn)
      .some(({ kind }) => kind === 'mapped'),
  )
})

test('chains whose trees are in one map are code once', t => {
  const slotsOf = (count: number): number => {
    const [program] = compileText(zones(count), 4)
    const fn = program?.spec.functions.find(({ name }) => name === 'chains4_0')
    return fn?.instructions.length ?? Number.NaN
  }
  t.is(slotsOf(42), slotsOf(21))
})

test('packets are decided and counted as the rules of chains say whose trees stand in one map', t => {
  const ruleset = parseSave(zones(12), { family: 4 })
  const [expected, actual] = [evaluator(ruleset), programs(ruleset, 'netfilter')]
  for (let zone = 0; zone < 13; zone++)
    for (const [at, port] of [
      [0, 999],
      [0, 1000],
      [37, 1037],
      [38, 2000],
      [99, 1098],
      [100, 1500],
    ] as const) {
      const addresses = `src=10.${zone}.${at}.9 dst=172.16.${((7 * at) % 64) + 1}.1`
      const packet = parsePacket(`ether / ip ${addresses} / tcp dport=${port} sport=1500`)
      const arrival: Arrival = {
        chain: 'INPUT',
        bytes: build(packet),
        inDevice: `eth${zone}`,
        outDevice: '',
        state: 'NEW',
      }
      t.is(actual.judge(arrival), expected.judge(arrival), `${zone} ${at} ${port}`)
    }
  t.deepEqual([...actual.counters()].sort(), [...expected.counters()].sort())
})

/** Chains 1 to n, each called by the one before it, once for each condition, and each counting before and behind its calls. */
const ladder = (depth: number, ...conditions: readonly string[]): string => {
  const names = Array.from({ length: depth }, (_, index) => `chain-${index + 1}`)
  const call = (from: string, to: string | undefined): readonly string[] => [
    `-A ${from} -s 192.0.2.1/32`,
    ...(to === undefined
      ? ['-A chain-1 -p udp -j DROP']
      : conditions.map(condition => `-A ${from} ${condition} -j ${to}`)),
    `-A ${from} -d 192.0.2.2/32`,
  ]
  return filter(
    ['INPUT', ...names].flatMap((name, index) => call(name, names[index])),
    names,
  )
}

const arrivals: readonly Arrival[] = [
  'ether / ip / tcp dport=22',
  'ether / ip / udp dport=53',
  'ether / ip src=198.51.100.1 / icmp',
  'ether / ip / tcp cut=3',
].map(text => ({
  chain: 'INPUT',
  bytes: build(parsePacket(text)),
  inDevice: 'eth0',
  outDevice: '',
  state: 'NEW',
}))

for (const hook of ['netfilter', 'xdp', 'tc'] as const)
  for (const depth of [1, 4, 5, 6, 7, 12])
    test(`at ${hook}, chains nested ${depth} deep decide and count, in at most 8 frames`, t => {
      const twice = [
        ['-p tcp', '-p tcp --dport 22'],
        ['', '-p tcp'],
      ]
      for (const conditions of depth > 6 ? [['-p tcp'], ['']] : twice) {
        const text = ladder(depth, ...conditions)
        for (const { spec } of compileText(text, 4, hook)) t.true(mostFrames(spec) <= 8)
        const ruleset = parseSave(text, { family: 4 })
        const [expected, actual] = [evaluator(ruleset), programs(ruleset, hook)]
        for (const arrival of arrivals) t.is(actual.judge(arrival), expected.judge(arrival))
        t.deepEqual([...actual.counters()].sort(), [...expected.counters()].sort())
      }
    })

/** So many rules that go on, asked one after the other, that counting is a function of its own behind them. */
const counting = Array.from({ length: 200 }, (_, index) => `-A INPUT -m tos --tos ${index}/${index + 1}`)

test('as many frames are used as there are', t => {
  const text = ladder(7, '-p tcp', '-p udp').replace('COMMIT', `${counting.join('\n')}\nCOMMIT`)
  t.is(Math.max(...compileText(text, 4, 'tc').map(({ spec }) => mostFrames(spec))), 8)
})

/** Slots of all functions. */
const slotsOf = (text: string): number =>
  compileText(text, 4)[0]?.spec.functions.reduce((sum, fn) => sum + slotCount(fn.instructions), 0) ?? 0

test('chains that are alike take no more code than one of them', t => {
  t.true(slotsOf(pods(2000)) < 1000)
  t.is(slotsOf(pods(2000)), slotsOf(pods(1000)))
})

/** A chain for each of so many addresses, two rules and a call of a common chain in each. */
const pods = (count: number): string =>
  filter(
    [
      '-A INPUT -j pods',
      ...numbers(count).flatMap(pod => [
        `-A pods -d 192.0.${pod >> 8}.${pod & 255}/32 -j pod-${pod}`,
        `-A pod-${pod} -s 198.51.100.${pod % 250}/32 -j RETURN`,
        `-A pod-${pod} -p tcp -j common`,
        `-A pod-${pod} -j DROP`,
      ]),
      '-A common -p tcp -m tcp --dport 80 -j ACCEPT',
      '-A common -s 198.51.100.8/29 -g last',
      '-A common -p tcp -m tcp --sport 1000:2000 -j last',
      '-A last -d 192.0.0.0/29 -j DROP',
      '-A last -s 198.51.100.9/32 -j RETURN',
      '-A last -d 192.0.0.0/16 -j ACCEPT',
    ],
    ['pods', 'common', 'last', ...numbers(count).map(pod => `pod-${pod}`)],
  )

test('chains that a look-up calls stand in one function', t => {
  const entries = entriesOf(pods(1000))
  t.deepEqual(
    [...entries.keys()].sort(),
    ['common', 'last', ...numbers(1000).map(pod => `pod-${pod}`)].sort(),
  )
  t.is(new Set(entries.values()).size, 3)
})

test('however many chains there are, functions are few', t => {
  const text = filter(
    numbers(300).flatMap(at => [
      `-A INPUT -s 192.0.2.${at % 250}/32 -j chain-${at}`,
      `-A INPUT -p udp -m udp --dport ${at} -j chain-${at}`,
      `-A chain-${at} -d 198.51.100.${at % 250}/32 -j ${at % 4 < 3 ? `chain-${at + 1}` : 'ACCEPT'}`,
      `-A chain-${at} -p tcp -m tcp --dport ${at} -j DROP`,
      `-A chain-${at} -s 192.0.2.${at % 250}/32 -d 198.51.100.7/32 -j ACCEPT`,
    ]),
    numbers(300).map(at => `chain-${at}`),
  )
  const [{ spec, plans } = never()] = compileText(text, 4)
  t.true(spec.functions.length < 16)
  t.true((plans[0]?.plan.functions.size ?? 0) > 4)
})

const never = (): never => {
  throw new Error('there is no program')
}

test('one packet for each chain of a look-up and one for none is decided and counted as the rules say', t => {
  const ruleset = parseSave(pods(300), { family: 4 })
  const [expected, actual] = [evaluator(ruleset), programs(ruleset, 'netfilter')]
  for (const pod of numbers(301))
    for (const text of [`tcp dport=${pod % 2 ? 80 : 81} sport=1500`, 'udp dport=53']) {
      const arrival: Arrival = {
        chain: 'INPUT',
        bytes: build(
          parsePacket(`ether / ip src=198.51.100.${pod % 11} dst=192.0.${pod >> 8}.${pod & 255} / ${text}`),
        ),
        inDevice: 'eth0',
        outDevice: '',
        state: 'NEW',
      }
      t.is(actual.judge(arrival), expected.judge(arrival))
    }
  t.deepEqual([...actual.counters()].sort(), [...expected.counters()].sort())
})

const refusals = (text: string): readonly string[] => {
  const ruleset = parseSave(text, { family: 4 })
  const translation = translate([ruleset], {
    lanes: lanesOf('netfilter', [4]),
    counters: newLayout([ruleset]),
  })
  return translation.kind === 'refused'
    ? translation.refusals.map(({ rule, reason }) => `${rule.rule}: ${reason}`)
    : []
}

test('chains that would double from call to call beyond what a program can hold are refused', t =>
  t.deepEqual(refusals(ladder(40, '-p tcp', '-p tcp --dport 22')), [
    '-A chain-31 -p tcp -j chain-32: chains call one another so deeply, and in so many places, that no program can hold them',
  ]))

test('so are chains that lie too deep one in the other', t => {
  const names = numbers(70).map(at => `chain-${at}`)
  const rules = ['INPUT', ...names].map((name, at) =>
    at < 70 ? `-A ${name} -p tcp -j chain-${at}` : `-A ${name} -j DROP`,
  )
  t.deepEqual(refusals(filter(rules, names)), [
    '-A chain-4 -p tcp -j chain-5: chains call one another more than 64 deep',
  ])
})

test('no function calls itself, though chains that no packet comes to call those that stand in it', t => {
  for (let seed = 1; seed <= 6; seed++)
    for (const { spec } of compileText(
      randomChains({ seed, family: 4, chains: 300, depth: 4, listed: 120, pods: 20 }),
      4,
    ))
      t.true(mostFrames(spec) <= 8)
})

test('a long chain that only a rule calls which no packet meets is no function', t => {
  const hosts = numbers(140)
  const text = filter(
    [
      ...hosts.map(port => `-A INPUT -p udp -m udp --dport ${port} -j DROP`),
      '-A INPUT -p udp -m udp --dport 53 -j unmet',
      '-A INPUT -j pods',
      ...hosts.flatMap(at => [
        `-A pods -d 198.51.100.${at}/32 -j pod-${at}`,
        ...numbers(8).map(
          port => `-A pod-${at} -s 192.0.2.${port}/32 -p tcp -m tcp --dport ${port} -j ACCEPT`,
        ),
        `-A unmet -s 10.0.${at}.0/${24 + (at % 8)} -p tcp -j pod-${at}`,
      ]),
    ],
    ['pods', 'unmet', ...hosts.map(at => `pod-${at}`)],
  )
  const [{ spec, plans } = never()] = compileText(text, 4)
  t.true(mostFrames(spec) <= 8)
  t.false(plans.some(({ plan }) => plan.functions.has('unmet')))
})

test('chains that are called only behind a rule that every packet ends at may call one another in a circle', t => {
  const hosts = numbers(70)
  const lists = ['live', 'pod'].flatMap(kind => hosts.map(at => `${kind}-${at}`))
  const text = filter(
    [
      ...hosts.map(at => `-A INPUT -s 198.51.100.${at}/32 -j live-${at}`),
      '-A INPUT -j DROP',
      '-A INPUT -j pods',
      ...hosts.flatMap(at => [
        `-A pods -s 192.0.2.${at}/32 -j pod-${at}`,
        ...['live', 'pod'].map(kind => `-A ${kind}-${at} -p tcp -m tcp --dport ${at} -j ACCEPT`),
      ]),
      '-A pod-4 -p udp -g pods',
    ],
    ['pods', ...lists],
  )
  const [{ spec, plans } = never()] = compileText(text, 4)
  t.true(mostFrames(spec) <= 8)
  t.false(plans.some(({ plan }) => plan.chains.has('pods')))
})

test('a look-up of a chain that stands in several places is one map', t => {
  for (let seed = 1; seed <= 12; seed++) {
    const text = randomChains({ seed, family: 4, chains: 40, depth: 10, listed: 30, pods: 4 })
    for (const { spec } of compileText(text, 4, 'netfilter', { leastDispatch: 1, dispatch: 'always' }))
      t.true(spec.maps.length <= 40)
  }
})

test('lists are looked up where they are more than a program may have maps', t => {
  const lists = numbers(80).map(at => `list-${at}`)
  const text = filter(
    lists.flatMap((list, at) => [
      `-A INPUT -p tcp -m tcp --dport ${1000 + at} -j ${list}`,
      ...numbers(70).map(host => `-A ${list} -s 198.51.${at}.${host}/32 -j DROP`),
    ]),
    lists,
  )
  const [{ spec, plans } = never()] = compileText(text, 4)
  const blocks = [...(plans[0]?.plan.chains.values() ?? [])].flatMap(chain => chain.blocks)
  t.is(blocks.filter(({ kind }) => kind === 'dispatch').length, lists.length)
  t.true(spec.maps.length <= 40)
})
