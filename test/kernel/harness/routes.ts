// A namespace with all kinds of IPv4 routes in its tables, and the addresses to ask it about.

import { bareHost } from './bare-host.ts'
import { ip, run } from './command.ts'
import type { Host } from './host.ts'
import { seeded } from './random.ts'

/** Veth pairs, the other ends beside them. */
export const devices = ['d0', 'd1', 'd2'] as const
const links = [
  'link set dev lo up',
  ...devices.map(name => `link add ${name} type veth peer name ${name}-peer`),
  ...devices.flatMap(name => [`link set dev ${name}-peer up`, `link set dev ${name} arp off up`]),
  'addr add 192.0.2.2/24 brd + dev d0',
  'addr add 10.1.0.1/16 brd + dev d1',
  'addr add 10.2.0.1/30 brd + dev d2',
]

export const routes = [
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
export const scattered = (seed: number): readonly string[] => {
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
export const addressesOf = (all: readonly string[], seed: number): readonly string[] => {
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

let sequence = 0

/** A namespace of its own, as far as firewalls want to know of it. */
export const openPlain = (): Host => {
  const name = `bpftables-${process.pid}-types-${sequence++}`
  run('ip', ['netns', 'add', name])
  const host = bareHost(name)
  host.inside(() => ip([...links, ...nextHops, ...routes.map(route => `route add ${route}`)]))
  return host
}

/** What is done to it before packets come. */
export const setups = {
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
