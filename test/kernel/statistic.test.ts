// Matches by count and by chance. Counting is compared after each packet, since the order in which rules ask decides what they answer.

import { close } from '../../src/kernel/sys/object.ts'
import { rawSocket, sendDatagram } from '../../src/kernel/sys/socket.ts'
import type { Strategies } from '../../translator/chain.ts'
import { ipv4Bytes } from '../packet/address.ts'
import { build } from '../packet/build.ts'
import { parsePacket } from '../packet/text.ts'
import { firstDivergence, observe } from './harness/differential.ts'
import { direct } from './harness/direct.ts'
import { type Firewall, legacy } from './harness/firewall.ts'
import type { Path, Probe } from './harness/probe.ts'
import { topologyOf } from './harness/topology.ts'
import { hookChoices } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')
const topology = topologyOf(4, ['eth0', 'eth1'])

const paths: readonly Path[] = [
  { hook: 'INPUT', device: 'eth0' },
  { hook: 'FORWARD', device: 'eth0', out: 'eth1' },
  { hook: 'OUTPUT', device: 'eth1' },
]

/** Whole packets, some for other ports, and some too short or too late a fragment for the matches that look into them. */
const packets = [
  'ether / ip / tcp dport=22 flags=syn',
  'ether / ip / tcp dport=80 flags=syn',
  'ether / ip / udp dport=22',
  'ether / ip src=192.0.2.17 / tcp dport=22 flags=syn',
  'ether / ip / tcp cut=10 dport=22',
  'ether / ip offset=3 proto=6 / raw hex=0102030405060708090a0b0c0d0e0f1011121314',
]

const probes: readonly Probe[] = Array.from({ length: 90 }, (_, index) => ({
  name: `probe-${index}`,
  packet: parsePacket(packets[index % packets.length] ?? ''),
  path: paths[Math.floor(index / 7) % paths.length] ?? { hook: 'INPUT', device: 'eth0' },
}))

const nth = (every: number, packet = 0): string =>
  `-m statistic --mode nth --every ${every} --packet ${packet}`

const questions = [
  nth(1),
  nth(2),
  nth(3, 2),
  nth(4, 1).replace('--every', '! --every'),
  `-s 192.0.2.17 ${nth(2)}`,
  `-p tcp -m tcp --dport 22 ${nth(2)}`,
  `-p tcp ${nth(2)} -m tcp --dport 22`,
  `-p tcp ${nth(3, 1)} -m tcp ! --dport 22 ${nth(2, 1)}`,
  `${nth(2)} ${nth(3)}`,
  `${nth(4)} -m length --length 0:44 ${nth(2)} -m ttl --ttl-eq 64`,
  '-m statistic --mode random --probability 1',
  '-m statistic --mode random --probability 0',
  '-m statistic --mode random ! --probability 1',
  '-m statistic --mode random ! --probability 0 -m length --length 44',
]

/** All that come are counted; the last rules also decide. A chain that is called from everywhere counts by one number. */
const rules = [
  '*filter',
  ':user - [0:0]',
  ...['INPUT', 'FORWARD', 'OUTPUT'].flatMap(chain => [
    ...questions.map(question => `-A ${chain} ${question}`),
    `-A ${chain} -j user`,
    `-A ${chain} -s 192.0.2.17 ${nth(2)} -j DROP`,
    `-A ${chain} -p udp ${nth(2, 1)} -j ACCEPT`,
    `-A ${chain} -p udp ${nth(5)} -j DROP`,
  ]),
  ...questions.map(question => `-A user ${question}`),
  `-A user ${nth(7, 3)} -j RETURN`,
  `-A user ${nth(3)}`,
  'COMMIT',
  '',
].join('\n')

for (const hook of hookChoices)
  kernelTest(`at ${hook}, matches by number take the packets that iptables-legacy takes`, async t => {
    t.timeout(5 * 60_000)
    t.is(await firstDivergence(direct(hook), { topology, rules, probes }), undefined)
  })

/** Rules that are apart in a tree, and those among them that count: wherever they stand, they are asked in order. */
const crowded = rules.replace(
  'COMMIT',
  [
    ...Array.from({ length: 40 }, (_, index) => {
      const address =
        index % 3 === 0
          ? `-s 192.0.2.${index}/32`
          : index % 3 === 1
            ? `-d 10.${index}.0.0/16`
            : '-s 192.0.2.0/28'
      return `-A user ${address} -p tcp -m tcp --dport ${20 + (index % 4)} ${index % 5 === 0 ? nth(1 + (index % 4)) : ''}`.trim()
    }),
    'COMMIT',
  ].join('\n'),
)

const forced: readonly Partial<Strategies>[] = [
  { leastSeparated: 2, separate: 'always', linear: 1, map: 'never' },
  { leastSeparated: 2, separate: 'always', linear: 1, map: 'always' },
  { leastSeparated: 2, separate: 'never', linear: 1, leastDispatch: 2, dispatch: 'always' },
]

for (const strategies of forced)
  kernelTest(`matches by number keep their order with ${JSON.stringify(strategies)}`, async t => {
    t.timeout(5 * 60_000)
    const experiment = { topology, rules: crowded, probes }
    t.is(await firstDivergence(direct('netfilter', strategies), experiment), undefined)
  })

kernelTest('rules loaded anew count from the start', async t => {
  const once = `*filter\n-A OUTPUT ${nth(3, 2)}\nCOMMIT\n`
  const sent = Array.from(
    { length: 2 },
    (_, index): Probe => ({
      name: `${index}`,
      packet: parsePacket('ether / ip / udp'),
      path: { hook: 'OUTPUT', device: 'eth1' },
    }),
  )
  const twice = (firewall: Firewall): Firewall => ({
    ...firewall,
    read: async host => {
      await firewall.unload?.(host)
      await firewall.load(host, once)
      host.send(sent)
      return firewall.read(host)
    },
  })
  const expected = await observe(twice(legacy), { topology, rules: once, probes: sent })
  t.true(expected.some(line => line.startsWith('[0:0]')))
  t.deepEqual(await observe(twice(direct('netfilter')), { topology, rules: once, probes: sent }), expected)
})

const SENT = 20_000
/** A fair source stays within six standard deviations but once in 500 million times. */
const MOST_DEVIATIONS = 6

const chances = [0.5, 0.25, 0.01, 0.999] as const
const random = [
  '*filter',
  ...chances.flatMap(chance => [
    `-A OUTPUT -m statistic --mode random --probability ${chance}`,
    `-A OUTPUT -m statistic --mode random ! --probability ${chance}`,
  ]),
  // of those that the first lets through, half again
  '-A OUTPUT -m statistic --mode random --probability 0.5 -m statistic --mode random --probability 0.5',
  'COMMIT',
  '',
].join('\n')

const expectedShares = [...chances.flatMap(chance => [chance, 1 - chance]), 0.25]

kernelTest('matches by chance take the share of packets that they are told to', async t => {
  const lines = await observe(withFlood(direct('netfilter')), { topology, rules: random, probes: [] })
  const counts = lines
    .filter(line => line.includes('-m statistic'))
    .map(line => Number(/\[(\d+):/.exec(line)?.[1]))
  t.is(counts.length, expectedShares.length)
  for (const [index, share] of expectedShares.entries()) {
    const deviation = Math.sqrt(SENT * share * (1 - share))
    const distance = Math.abs((counts[index] ?? 0) - SENT * share)
    t.true(distance < MOST_DEVIATIONS * deviation, `${counts[index]} of ${SENT} for ${share}`)
  }
})

function withFlood(firewall: Firewall): Firewall {
  return {
    ...firewall,
    read: host => {
      host.inside(() => {
        const raw = rawSocket(4)
        const datagram = build(parsePacket('ip src=192.0.2.2 dst=198.18.255.2 / udp'))
        for (let count = 0; count < SENT; count++) sendDatagram(raw, datagram, ipv4Bytes('198.18.255.2'))
        close(raw)
      })
      return firewall.read(host)
    },
  }
}
