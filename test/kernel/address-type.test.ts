// What addresses are to routing, for tables with all kinds of routes: the walk along the kernel's trie against the kernel's own, in a namespace
// where `local` and `main` are one table, as they are until a policy rule is made, and in one where they are two.

import { close } from '../../src/kernel/sys/object.ts'
import { rawSocket, sendDatagram } from '../../src/kernel/sys/socket.ts'
import { ipv4Bytes } from '../packet/address.ts'
import { build } from '../packet/build.ts'
import { parsePacket } from '../packet/text.ts'
import { bareHost } from './harness/bare-host.ts'
import { ip, run } from './harness/command.ts'
import { compare, formatDifferences, linesOf } from './harness/compare.ts'
import { direct } from './harness/direct.ts'
import { legacy } from './harness/firewall.ts'
import type { Host } from './harness/host.ts'
import { seeded } from './harness/random.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const devices = ['d0', 'd1', 'd2'] as const
const links = [
  'link set dev lo up',
  ...devices.map(name => `link add ${name} type veth peer name ${name}-peer`),
  ...devices.flatMap(name => [`link set dev ${name}-peer up`, `link set dev ${name} arp off up`]),
  'addr add 192.0.2.2/24 brd + dev d0',
  'addr add 10.1.0.1/16 brd + dev d1',
  'addr add 10.2.0.1/30 brd + dev d2',
]

const routes = [
  'local 10.9.0.0/16 dev lo table local',
  'unicast 10.9.128.0/17 dev d0 table local',
  'local 10.9.129.0/24 dev lo table local',
  'anycast 10.8.0.0/24 dev d0 table local',
  'broadcast 10.8.1.0/25 dev d1 table local',
  'multicast 10.6.0.0/16 dev d0 table local',
  ...['blackhole', 'unreachable', 'prohibit', 'throw'].flatMap((type, index) => [
    `${type} 10.7.${index}.0/24 table local`,
    `local 10.7.${index}.64/26 dev lo table local`,
  ]),
  'local 10.5.0.0/16 tos 0x10 dev lo table local',
  'anycast 10.5.0.0/17 dev d0 table local',
  'local 10.64.0.0/10 dev lo table local',
  'anycast 10.64.0.0/11 table local nexthop dev d1 nexthop dev d2',
  'anycast 10.65.0.0/16 nhid 1 table local',
  'broadcast 10.66.0.0/16 nhid 2 table local',
  'anycast 10.67.0.0/16 nhid 3 table local',
  'anycast 10.68.0.0/16 nhid 4 table local',
  'anycast 10.69.0.0/16 nhid 5 table local',
  'unicast 10.70.0.0/16 dev d1 table local',
  'unicast 10.71.0.0/16 table local nexthop dev d1 nexthop dev d0',
  '10.72.0.0/16 dev d0',
  'default dev d0',
]
const nextHops = [
  'nexthop add id 1 dev d0',
  'nexthop add id 2 blackhole',
  'nexthop add id 11 dev d1',
  'nexthop add id 3 group 1/11',
  'nexthop add id 4 group 2',
  'nexthop add id 12 dev d2',
  'nexthop add id 5 group 11/12',
]

const most = 2 ** 32

const dotted = (address: number): string =>
  [24, 16, 8, 0].map(shift => Math.floor(address / 2 ** shift) % 256).join('.')

/** Prefixes of all lengths, many of them one inside the other. */
const scattered = (seed: number): readonly string[] => {
  const random = seeded(seed)
  return Array.from({ length: 400 }, () => {
    const length = 12 + random.below(21)
    const base = 0x0b00_0000 + random.below(random.pick([2 ** 8, 2 ** 12, 2 ** 20]))
    const start = Math.floor(base / 2 ** (32 - length)) * 2 ** (32 - length)
    const type = random.pick(['local', 'broadcast', 'anycast', 'unicast', 'blackhole'])
    return `${type} ${dotted(start)}/${length}${type === 'blackhole' ? '' : ' dev d0'} table local`
  })
}

/** Around the ends of what the routes name, and some from anywhere. */
const addressesOf = (all: readonly string[], seed: number): readonly string[] => {
  const random = seeded(seed)
  const near = all.flatMap(route => {
    const [, text = '', length = '32'] = /(\d+\.\d+\.\d+\.\d+)(?:\/(\d+))?/.exec(route) ?? []
    if (text === '') return []
    const start = text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)
    const size = 2 ** (32 - Number(length))
    return [start - 1, start, start + random.below(size), start + size - 1, start + size]
  })
  const anywhere = Array.from({ length: 100 }, () => random.below(most))
  const special = [
    0, 1, 0x0001_0203, 0x7f00_0001, 0x7fff_ffff, 0xc000_02ff, 0xc000_0200, 0xe000_0001, 0xefff_ffff,
  ]
  return [...near, ...anywhere, ...special, 0xf000_0000, most - 1, most - 2].map(address =>
    dotted((address + most) % most),
  )
}

const places = [
  '0.0.0.0/0',
  '10.7.0.0/16',
  '10.9.0.0/16',
  '10.64.0.0/10',
  '11.0.0.0/8',
  '192.0.2.0/24',
  '10.5.0.0/16',
]
const types = ['UNICAST', 'LOCAL', 'BROADCAST', 'ANYCAST', 'MULTICAST', 'LOCAL,ANYCAST'] as const

const rules = [
  '*filter',
  // what needs stack of its own, once in the record's place
  '-A OUTPUT -m bpf --bytecode "2,40 0 0 2147483647,6 0 0 1"',
  '-A OUTPUT -m bpf --bytecode "4,48 0 0 9,21 0 1 17,6 0 0 1,6 0 0 0"',
  '-A OUTPUT -m u32 --u32 "0x6&0xff=0x11"',
  ...places.flatMap(place =>
    types.flatMap(type => [
      `-A OUTPUT -d ${place} -m addrtype --dst-type ${type}`,
      `-A OUTPUT -d ${place} -m addrtype ! --dst-type ${type}`,
      `-A OUTPUT -s ${place} -m addrtype --src-type ${type}`,
      `-A OUTPUT -s ${place} -m addrtype --src-type ${type} ! --dst-type ${type}`,
    ]),
  ),
  'COMMIT',
  '',
].join('\n')

/** Of the rules, how many packets must come to at least. */
const LEAST_MET = 90

let sequence = 0

/** A namespace of its own, as far as firewalls want to know of it. */
const openPlain = (): Host => {
  const name = `bpftables-${process.pid}-types-${sequence++}`
  run('ip', ['netns', 'add', name])
  const host = bareHost(name)
  host.inside(() => ip([...links, ...nextHops, ...routes.map(route => `route add ${route}`)]))
  return host
}

/** Both firewalls see each packet, the kernel's first. */
const differences = async (host: Host, seed: number): Promise<string> => {
  const ours = direct('netfilter')
  await legacy.load(host, rules)
  await ours.load(host, rules)
  try {
    host.inside(() => sendAll(addressesOf([...routes, ...scattered(seed)], seed)))
    const expected = linesOf(await legacy.read(host))
    const met = expected.filter(line => /^\[[1-9].* -m addrtype/.test(line))
    if (met.length < LEAST_MET) return `only ${met.length} rules were met`
    return formatDifferences(compare(expected, linesOf(await ours.read(host))))
  } finally {
    await ours.unload?.(host)
    await legacy.unload?.(host)
  }
}

const sendAll = (addresses: readonly string[]): void => {
  const raw = rawSocket(4)
  for (const address of addresses)
    for (const text of [`ip dst=${address} src=192.0.2.2 / udp`, `ip src=${address} dst=192.0.2.9 / udp`])
      sendDatagram(raw, build(parsePacket(text)), ipv4Bytes('192.0.2.9'))
  close(raw)
}

const setups = {
  'one table': () => undefined,
  'two tables': () => ip(['rule add pref 7 to 203.0.113.0/24 lookup main']),
  'routes without carrier': () => {
    run('ip', ['link', 'set', 'dev', 'd1-peer', 'down'])
    run('ip', ['link', 'set', 'dev', 'd2-peer', 'down'])
  },
  'routes without carrier ignored': () => {
    run('ip', ['link', 'set', 'dev', 'd1-peer', 'down'])
    run('sysctl', ['-qw', 'net.ipv4.conf.d1.ignore_routes_with_linkdown=1'])
  },
  'routes taken away': () => ip(['addr flush dev d1', 'route flush 10.64.0.0/11', 'link set dev d2 down']),
} as const

for (const [title, setUp] of Object.entries(setups))
  kernelTest(`addresses are to routing what iptables-legacy says: ${title}`, async t => {
    const host = openPlain()
    try {
      const seed = Math.floor(Math.random() * 2 ** 31)
      t.log(`seed ${seed}`)
      host.inside(() => {
        ip(scattered(seed).map(route => `route replace ${route}`))
        setUp()
      })
      t.is(await differences(host, seed), '')
    } finally {
      host.close()
    }
  })
