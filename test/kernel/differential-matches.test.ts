// Every match in most of its forms, as rules that only count, so that all packets come to all of them: fixture packets and whole
// connections on every path, at every hook, against iptables-legacy. A rule that finds packets malformed stands in a chain of its own, since it
// drops them.

import type { Family } from 'iptables-parser'
import { peerMac } from '../packet/link.ts'
import { backOf, conversationKinds, converse, quietPort } from './harness/flow.ts'
import { bothWays, caseDisagreement, type MatchCase, paths, probesOnAllPaths } from './harness/match-case.ts'
import type { Probe } from './harness/probe.ts'
import { families, hookChoices } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const addresses = {
  4: ['192.0.2.1', '192.0.2.0/28', '10.0.0.0/8', '0.0.0.0/0'],
  6: ['2001:db8::1', '2001:db8::/64', 'fd00::/8', '::/0'],
} as const

const ports = ['22', '1024:65535', ':1023', '0'] as const

const connectionCases = (family: Family): readonly MatchCase[] => {
  const tuples = ['ctorigsrc', 'ctorigdst', 'ctreplsrc', 'ctrepldst']
  const options = [
    ...tuples.flatMap(tuple => addresses[family].map(address => `--${tuple} ${address}`)),
    ...tuples.flatMap(tuple => ports.map(port => `--${tuple}port ${port}`)),
    ...[1, 6, 17, 58].map(protocol => `--ctproto ${protocol}`),
    ...['NONE', 'EXPECTED', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'SEEN_REPLY,ASSURED'].map(
      status => `--ctstatus ${status}`,
    ),
  ]
  const beside = ['NEW', 'INVALID,NEW', 'UNTRACKED', 'SNAT', 'DNAT,ESTABLISHED'].flatMap(state =>
    [`--ctorigsrc ${addresses[family][1]}`, '--ctproto 17', '--ctdir REPLY', '! --ctstatus ASSURED'].flatMap(
      other => [`-m conntrack --ctstate ${state} ${other}`, `-m conntrack ! --ctstate ${state} ${other}`],
    ),
  )
  const directions = ['-m conntrack --ctdir ORIGINAL', '-m conntrack --ctdir REPLY']
  return [
    {
      name: 'connections',
      asked: { all: [...bothWays('conntrack', options), ...directions] },
      hooks: ['netfilter'],
    },
    { name: 'states beside connections', asked: { all: beside }, hooks: ['netfilter'] },
  ]
}

const marks = ['0', '0x1', '0x10/0x10', '0x0/0xff', '0x1/0', '0/0', '0x80000000/0x80000000', '0x11'] as const

const ranges = {
  4: ['192.0.2.0-192.0.2.1', '192.0.2.9-192.0.2.0', '0.0.0.0-255.255.255.255', '192.0.2.2'],
  6: [
    '2001:db8::-2001:db8::1',
    '2001:db8::9-2001:db8::',
    '::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
    'fe80::1',
  ],
} as const

const limitedTypes = (family: Family, limits: readonly ('in' | 'out')[]): readonly string[] =>
  limits.flatMap(limit =>
    ['UNICAST', 'MULTICAST', ...(family === 4 ? ['LOCAL', 'BROADCAST'] : [])].flatMap(type =>
      ['--src-type', '! --src-type', '--dst-type', '! --dst-type'].map(
        option => `-m addrtype ${option} ${type} --limit-iface-${limit}`,
      ),
    ),
  )

const hopOptions = (family: Family): readonly string[] => {
  const name = family === 4 ? 'ttl' : 'hl'
  return [
    ...bothWays(name, [`--${name}-eq 64`, `--${name}-eq 63`, `--${name}-eq 0`]),
    ...['0', '1', '64', '255'].flatMap(value => [
      `-m ${name} --${name}-lt ${value}`,
      `-m ${name} --${name}-gt ${value}`,
    ]),
  ]
}

const headerCases = (family: Family): readonly MatchCase[] => [
  {
    name: 'address ranges',
    asked: {
      all: bothWays(
        'iprange',
        ranges[family].flatMap(range => [`--src-range ${range}`, `--dst-range ${range}`]),
      ),
    },
  },
  {
    name: 'length',
    asked: {
      all: bothWays('length', [
        '--length 48',
        '--length 40:60',
        '--length 1400:',
        '--length :39',
        '--length 0',
      ]),
    },
  },
  { name: 'hops', asked: { all: hopOptions(family) } },
  {
    name: 'type of service',
    asked: {
      all: [
        ...bothWays('tos', [
          '--tos 0x10',
          '--tos 0/0x03',
          '--tos Minimize-Delay',
          '--tos 5/0',
          '--tos 0x04/0x84',
          '--tos 1/2',
        ]),
        ...bothWays('dscp', ['--dscp 0', '--dscp 0x2e', '--dscp-class AF13']),
        ...bothWays('ecn', ['--ecn-ip-ect 0', '--ecn-ip-ect 1', '--ecn-ip-ect 2', '--ecn-ip-ect 3']),
      ],
    },
  },
  {
    name: 'packet types',
    asked: {
      all: bothWays(
        'pkttype',
        ['unicast', 'broadcast', 'multicast', 'otherhost'].map(type => `--pkt-type ${type}`),
      ),
    },
  },
  {
    name: 'MAC addresses',
    asked: Object.fromEntries(
      (['INPUT', 'FORWARD'] as const).map(chain => [
        chain,
        bothWays(
          'mac',
          [peerMac, '02:00:00:00:00:77', '00:00:00:00:00:00'].map(mac => `--mac-source ${mac}`),
        ),
      ]),
    ),
  },
  {
    name: 'marks',
    asked: {
      all: bothWays(
        'mark',
        marks.map(mark => `--mark ${mark}`),
      ),
    },
    hooks: ['netfilter'],
  },
  {
    name: 'connection marks',
    asked: {
      all: bothWays(
        'connmark',
        [...marks, '0x2', '0x100/0x102'].map(mark => `--mark ${mark}`),
      ),
    },
    hooks: ['netfilter'],
  },
  {
    name: 'device groups',
    asked: {
      INPUT: bothWays('devgroup', ['--src-group 5', '--src-group 0', '--src-group 4/4']),
      FORWARD: bothWays('devgroup', ['--src-group 5', '--dst-group 5', '--dst-group 0x1/0xff']),
      OUTPUT: bothWays('devgroup', ['--dst-group 5', '--dst-group 0']),
    },
    hooks: ['netfilter'],
  },
  {
    name: 'address types',
    asked: {
      all: bothWays(
        'addrtype',
        (family === 4
          ? [
              'UNICAST',
              'LOCAL',
              'BROADCAST',
              'ANYCAST',
              'MULTICAST',
              'UNSPEC',
              'LOCAL,BROADCAST',
              'MULTICAST,PROHIBIT',
            ]
          : ['MULTICAST', 'UNICAST', 'UNSPEC', 'UNICAST,MULTICAST']
        ).flatMap(type => [`--src-type ${type}`, `--dst-type ${type}`]),
      ),
    },
  },
  {
    name: 'address types of one device',
    asked: {
      INPUT: limitedTypes(family, ['in']),
      FORWARD: limitedTypes(family, ['in', 'out']),
      OUTPUT: limitedTypes(family, ['out']),
    },
  },
  ...(family === 4
    ? [
        {
          name: 'realms',
          asked: { all: bothWays('realm', ['--realm 7', '--realm 0', '--realm 0x1/0x1']) },
          hooks: ['netfilter'] as const,
        },
      ]
    : []),
  {
    name: 'owners',
    asked: {
      OUTPUT: [
        ...bothWays('owner', [
          '--uid-owner 0',
          '--uid-owner 1-1000',
          '--gid-owner 0',
          '--gid-owner 5',
          '--socket-exists',
        ]),
        '-m owner ! --socket-exists ! --uid-owner 5',
        '-m owner --socket-exists --uid-owner 0 ! --gid-owner 5',
      ],
    },
    hooks: ['netfilter'],
  },
  {
    name: 'CPUs',
    asked: { all: bothWays('cpu', ['--cpu 0', '--cpu 1', '--cpu 4294967295']) },
    hooks: ['netfilter'],
  },
]

const transportCases = (family: Family): readonly MatchCase[] => {
  const options = [2, 3, 8, 31, 32, 254].map(kind => `--tcp-option ${kind}`)
  const flags = ['--ecn-tcp-ece', '--ecn-tcp-cwr']
  const ported = ['--sport 40000', '--dport :3868', '--dport 22']
  const spis = ['256', '0:255', '4294967295'] as const
  return [
    ...options.map(option => ({
      name: option,
      asked: { all: bothWays('tcp', [option]).map(one => `-p tcp ${one}`) },
    })),
    ...['1460', '0:1400', '1461:'].map(mss => ({
      name: `MSS ${mss}`,
      asked: { all: bothWays('tcpmss', [`--mss ${mss}`]).map(one => `-p tcp ${one}`) },
    })),
    {
      name: 'ECN flags',
      asked: {
        all: [...bothWays('ecn', flags), '-m ecn ! --ecn-tcp-ece --ecn-tcp-cwr'].map(one => `-p tcp ${one}`),
      },
    },
    { name: 'SCTP', asked: { all: bothWays('sctp', ported).map(one => `-p sctp ${one}`) } },
    {
      name: 'DCCP',
      asked: {
        all: bothWays('dccp', [
          ...ported,
          '--dccp-types REQUEST,RESET',
          '--dccp-types INVALID',
          '--dccp-types SYNCACK,ACK',
        ]).map(one => `-p dccp ${one}`),
      },
    },
    {
      name: 'ESP',
      asked: {
        all: bothWays(
          'esp',
          spis.map(spi => `--espspi ${spi}`),
        ).map(one => `-p esp ${one}`),
      },
    },
    {
      name: 'IPComp',
      asked: {
        all: bothWays(
          'ipcomp',
          spis.map(spi => `--ipcompspi ${spi}`),
        ).map(one => `-p ipcomp ${one}`),
      },
    },
    ...(family === 4
      ? [
          {
            name: 'AH',
            asked: {
              all: bothWays(
                'ah',
                spis.map(spi => `--ahspi ${spi}`),
              ).map(one => `-p ah ${one}`),
            },
          },
        ]
      : []),
  ]
}

/** What the fixture packets lack. */
const more: Readonly<Record<Family, readonly string[]>> = {
  4: [
    'ether / ip tos=0x10 ttl=63 / tcp dport=22 options=0204ffff',
    'ether / ip tos=0xff / tcp dport=22 flags=syn,ece,cwr options=01020405b401',
    'ether / ip tos=0x04 / tcp dport=22 flags=syn,ece options=fe02010101',
    'ether / ip tos=0x09 / tcp dport=22 flags=syn,cwr options=2002fe021f03010101',
    'ether / ip tos=0x20 / udp / raw zeros=20',
    'ether / ip tos=0x60 / udp dport=54 / raw zeros=20',
    'ether dst=ff:ff:ff:ff:ff:ff / ip / udp',
    'ether dst=01:00:5e:00:00:01 / ip / udp',
    'ether src=02:00:00:00:00:77 / ip / udp',
    'ether / ip offset=3 proto=6 / raw hex=0102030405060708090a0b0c500e0f10111213141516',
    'ether / ip offset=1 proto=6 / raw hex=0102030405060708090a0b0c60ce0f10111213140204ffff',
    ...Array.from({ length: 16 }, (_, type) => `ether / ip / dccp dport=22 type=${type}`),
    'ether / ip proto=108 / raw hex=3b000100',
    'ether / ip proto=108 / raw hex=3b00ff',
    'ether / ip proto=51 / raw hex=3b04000000000100ffffffff',
    'ether / ip / ah spi=4294967295 / udp',
  ],
  6: [
    'ether / ip6 tclass=0x10 hop=63 / tcp dport=22 options=0204ffff',
    'ether / ip6 tclass=0xff / tcp dport=22 flags=syn,ece,cwr options=01020405b401',
    'ether / ip6 tclass=0x04 / tcp dport=22 flags=syn,ece options=fe02010101',
    'ether / ip6 tclass=0x09 / dstopt / tcp dport=22 flags=syn,cwr options=2002fe021f03010101',
    'ether / ip6 / tcp dport=22 offset=4',
    'ether / ip6 / tcp cut=22 dport=22 options=020405b4',
    'ether / ip6 tclass=0x20 / udp / raw zeros=20',
    'ether / ip6 tclass=0x60 / udp dport=54 / raw zeros=20',
    'ether dst=ff:ff:ff:ff:ff:ff / ip6 / udp',
    'ether dst=33:33:00:00:00:01 / ip6 / udp',
    'ether src=02:00:00:00:00:77 / ip6 / udp',
    'ether / ip6 / frag next=6 offset=3 / raw hex=0102030405060708090a0b0c500e0f10111213141516',
    'ether / ip6 tclass=0xc0 / frag next=6 offset=3 / raw hex=0102030405060708090a0b0c500e0f10111213141516',
    ...Array.from({ length: 16 }, (_, type) => `ether / ip6 / dccp dport=22 type=${type}`),
    'ether / ip6 next=108 / raw hex=3b000100',
    'ether / ip6 next=108 / raw hex=3b00ff',
  ],
}

const conversations = (family: Family): readonly Probe[] =>
  paths.flatMap((path, place) =>
    conversationKinds.flatMap((kind, index) =>
      converse(kind, {
        name: `talk-${place}`,
        family,
        client: family === 4 ? '192.0.2.1' : '2001:db8::1',
        server: family === 4 ? '10.1.2.3' : 'fd00::3',
        clientPort: quietPort(10 * place + index),
        serverPort: 22,
        there: path,
        back: backOf(path),
      }),
    ),
  )

const probesOf = (family: Family): readonly Probe[] => [
  ...probesOnAllPaths(family, more[family]),
  ...conversations(family),
]

const casesOf = (family: Family): readonly MatchCase[] => [
  ...headerCases(family),
  ...transportCases(family),
  ...connectionCases(family),
]

for (const hook of hookChoices)
  for (const family of families)
    kernelTest(`IPv${family} at ${hook}: matches count what iptables-legacy counts`, async t => {
      t.timeout(10 * 60_000)
      const probes = probesOf(family)
      for (const match of casesOf(family).filter(({ hooks }) => hooks?.includes(hook) ?? true))
        t.is(await caseDisagreement(hook, family, match, probes), undefined, match.name)
    })
