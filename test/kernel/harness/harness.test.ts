import test from 'ava'
import type { Family } from 'iptables-parser'
import { kernelTestNeeding } from '../needs-kernel.ts'
import { compare, formatDifferences, linesOf } from './compare.ts'
import { differ, disagreement, legacyCounters, observe } from './differential.ts'
import { type Firewall, legacy } from './firewall.ts'
import { fixtureProbes } from './fixture-probes.ts'
import { backOf, conversationKinds, converse, quietPort } from './flow.ts'
import type { Path, Probe } from './probe.ts'
import { topologyOf } from './topology.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const families = [4, 6] as const

const paths: readonly Path[] = [
  { hook: 'INPUT', device: 'eth0' },
  { hook: 'INPUT', device: 'lo' },
  { hook: 'FORWARD', device: 'eth0', out: 'eth1' },
  { hook: 'OUTPUT', device: 'eth1' },
]

const filter = (...lines: readonly string[]): string =>
  [
    '*filter',
    ':INPUT ACCEPT [0:0]',
    ':FORWARD ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ...lines,
    'COMMIT',
    '',
  ].join('\n')

/** Packets counted by each rule, in order. */
const packetsOf = (lines: readonly string[]): readonly number[] =>
  lines.flatMap(line => (/^\[(\d+):\d+\] -A /.exec(line)?.[1] ?? '').split(' ').filter(Boolean).map(Number))

const addresses = { 4: ['192.0.2.1', '198.51.100.7'], 6: ['2001:db8::1', '2001:db8:1::7'] } as const

const conversations = (family: Family): readonly Probe[] =>
  paths.flatMap((there, index) =>
    conversationKinds.flatMap((kind, turn) =>
      converse(kind, {
        name: `talk-${index}`,
        family,
        client: addresses[family][0],
        server: addresses[family][1],
        clientPort: quietPort(index * conversationKinds.length + turn),
        serverPort: 443,
        there,
        back: backOf(there),
      }),
    ),
  )

test('differences are told by line, a missing line too', t => {
  const differences = compare(linesOf('# a\n*filter\n[1:2] -A x\nCOMMIT\n'), linesOf('*filter\n[1:3] -A x\n'))
  t.deepEqual(differences, [
    { line: 2, expected: '[1:2] -A x', actual: '[1:3] -A x' },
    { line: 3, expected: 'COMMIT', actual: undefined },
  ])
  t.is(formatDifferences(differences), '2 - [1:2] -A x\n2 + [1:3] -A x\n3 - COMMIT')
})

for (const family of families) {
  const topology = topologyOf(family, ['eth0', 'eth1'])

  kernelTest(`IPv${family}: a packet takes the path it names, and no other packet is seen`, async t => {
    for (const path of paths.filter(({ device }) => device !== 'lo')) {
      const [src, dst] = addresses[family]
      const probe: Probe = {
        name: 'one',
        packet: [{ kind: 'ether' }, { kind: family === 4 ? 'ip' : 'ip6', src, dst }, { kind: 'udp' }],
        path,
      }
      const rules = filter(
        '-A INPUT -i eth0 -j DROP',
        '-A FORWARD -i eth0 -o eth1 -j DROP',
        '-A OUTPUT -o eth1 -j DROP',
      )
      const counts = packetsOf(await legacyCounters({ topology, rules, probes: [probe] }))
      t.deepEqual(
        counts,
        ['INPUT', 'FORWARD', 'OUTPUT'].map(hook => (hook === path.hook ? 1 : 0)),
        path.hook,
      )
    }
  })

  kernelTest(`IPv${family}: conversations make conntrack see every state`, async t => {
    const states = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID']
    const rules = filter(
      ...['INPUT', 'FORWARD', 'OUTPUT'].flatMap(chain =>
        states.map(state => `-A ${chain} -m conntrack --ctstate ${state}`),
      ),
    )
    const probes = conversations(family).filter(({ path }) => path.hook === 'FORWARD')
    const counts = packetsOf(await legacyCounters({ topology, rules, probes }))
    // tcp 1 + 7, udp 1 + 2, echo 1 + 1, the datagram and its error, four strays; of these nothing is for the host.
    t.deepEqual(counts.slice(4, 8), [4, 10, 1, 4])
  })

  kernelTest(
    `IPv${family}: iptables-legacy agrees with itself over fixtures and conversations, run after run`,
    async t => {
      const rules = filter(
        '-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
        '-A INPUT -m conntrack --ctstate INVALID -j DROP',
        '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
        '-A INPUT -p udp -j REJECT',
        '-A FORWARD -p tcp -m tcp --tcp-flags SYN,ACK SYN -j ACCEPT',
        '-A FORWARD -p udp -m udp --dport 53 -j DROP',
        '-A OUTPUT -o eth1 -p udp -j DROP',
      )
      const experiment = {
        topology,
        rules,
        probes: [...fixtureProbes(family, paths), ...conversations(family)],
      }
      const first = await observe(legacy, experiment)
      t.true(first.length > 10)
      for (let run = 1; run < 5; run++) {
        t.is(formatDifferences(compare(first, await observe(legacy, experiment))), '', `run ${run}`)
      }
    },
  )

  kernelTest(`IPv${family}: fragments in FORWARD stay fragments without conntrack`, async t => {
    const rules = filter(family === 4 ? '-A FORWARD -f' : '-A FORWARD -m frag --fragmore', '-A FORWARD')
    const probes = fixtureProbes(family, paths.slice(2, 3)).filter(({ name }) =>
      /fragment-(first|middle|last)-udp/.test(name),
    )
    t.deepEqual(packetsOf(await legacyCounters({ topology, rules, probes })), [2, 3])
  })

  kernelTest(
    `IPv${family}: a firewall that is wrong about one packet is found, and the packet named`,
    async t => {
      const wrong: Firewall = {
        ...legacy,
        name: 'wrong',
        load: (host, text) => legacy.load(host, text.replace('--dport 53', '--dport 54')),
        read: async host => (await legacy.read(host)).replace('--dport 54', '--dport 53'),
      }
      const probes = fixtureProbes(family, paths.slice(2, 3)).filter(({ name }) =>
        /udp-(7|8)-bytes|udp-c|plain-tcp|mdns/.test(name),
      )
      const rules = filter('-A FORWARD -p udp -m udp --dport 53 -j DROP')
      t.deepEqual(await differ(legacy, { topology, rules, probes }), [])
      const found = await disagreement(wrong, { topology, rules, probes })
      t.regex(found ?? '', /\+ \[0:0\] -A FORWARD -p udp -m udp --dport 53 -j DROP/)
      t.regex(found ?? '', /first after FORWARD eth0 -> eth1 .*udp.* dport=53/)
    },
  )
}
