/**
 * The namespaces of a test and what is set up in them, as `ip -batch` texts. Everything is static:
 *
 *     peer namespace                    host namespace (filtered)
 *       eth0 ----------- veth ----------- eth0    every host device has hostMac and does no ARP, so that
 *       eth1 ----------- veth ----------- eth1    what it sends is for its own address and nobody answers
 *
 * Which way a packet takes is up to policy rules, asked before the local table:
 *
 *     1       from inside to an exit address  -> `exits`: out of the device that address stands for
 *     2, 3    the host's own TCP with a quiet port -> nowhere, so that it resets no connection of a test
 *     10 + i  arrived on device i             -> `anyLocal` (every address is ours), or
 *                                                `out + j` (everything leaves by device j)
 *     5000    local, then main: replies of the host itself leave by the first device
 */
import type { Family } from 'iptables-parser'
import { hostMac, peerMac } from '../../packet/link.ts'
import type { PolicyRule } from './policy-rule.ts'
import type { Course } from './schedule.ts'

export interface Device {
  readonly name: string
  /** With prefix lengths: `192.0.2.2/24`. */
  readonly addresses: readonly string[]
}

export interface Topology {
  readonly family: Family
  /** Without `lo`, which every namespace has. */
  readonly devices: readonly Device[]
  /** No route has a realm: where one has, the kernel looks for the way back to the source of every packet. */
  readonly withoutRealms?: boolean
}

const table = { anyLocal: 100, exits: 200, out: 1000 } as const
const preference = { exits: 1, quietSource: 2, quietDestination: 3, arrived: 10, local: 5000 } as const

/** TCP ports for which the host's stack is mute, though not iptables' REJECT over IPv4. */
export const quietPorts = { first: 61000, last: 61999 } as const

/** Devices of these names, each with an address of its own; the first has 192.0.2.2 and 2001:db8::2. */
export const topologyOf = (family: Family, names: readonly string[]): Topology => ({
  family,
  devices: names.map((name, index) => ({
    name,
    addresses: [addressOf(family, index)],
  })),
})

const addressOf = (family: Family, index: number): string => {
  if (family === 4) return index === 0 ? '192.0.2.2/24' : `10.255.${index}.2/24`
  return index === 0 ? '2001:db8::2/64' : `2001:db8:ffff:${index.toString(16)}::2/64`
}

/** The number of a device in the tables above; `lo` comes after all others. Throws RangeError where there is none. */
export const deviceNumber = ({ devices }: Topology, name: string): number => {
  const index = name === 'lo' ? devices.length : devices.findIndex(device => device.name === name)
  if (index < 0) throw new RangeError(`the test has no device ${name}`)
  return index
}

const everything = { 4: '0.0.0.0/0', 6: '::/0' } as const
const exitPrefix = { 4: '198.18.255.0/24', 6: '2001:2:0:ff::/64' } as const

/** The destination to give a raw socket for the packet to leave by a device (RFC 2544 and RFC 5180 space). */
export const exitAddress = (topology: Topology, device: string): string => {
  const number = deviceNumber(topology, device) + 1
  return topology.family === 4 ? `198.18.255.${number}` : `2001:2:0:ff::${number.toString(16)}`
}

/** Device groups, for rules that ask for them; devices of other names are in the default group. */
const groups: Readonly<Record<string, number>> = { eth1: 5, ppp0: 0x105 }

export const groupOf = (device: string): number => groups[device] ?? 0

/** In the root namespace: the two namespaces. */
export const createBatch = (host: string, peer: string): readonly string[] => [
  `netns add ${host}`,
  `netns add ${peer}`,
]

export const deleteBatch = (host: string, peer: string): readonly string[] => [
  `netns del ${host}`,
  `netns del ${peer}`,
]

/** Nothing is asked or told on a device. */
const quietly = 'arp off multicast off up'

/** In the peer namespace, first: the devices. It has no addresses, so nothing there ever answers. */
export const peerBatch = ({ devices }: Topology, host: string): readonly string[] =>
  devices.flatMap(({ name }) => [
    `link add name ${name} address ${peerMac} type veth peer name ${name} address ${hostMac} netns ${host}`,
    `link set dev ${name} ${quietly}`,
  ])

/**
 * In the peer namespace, at last: a device whose other end comes up later sends nothing until the kernel's link watch has been there, which on a busy machine
 * takes a while. Being asked for a device, the kernel brings it up to date first (rtnl_getlink, net/core/rtnetlink.c).
 */
export const settleBatch = ({ devices }: Topology): readonly string[] =>
  devices.map(({ name }) => `link show dev ${name}`)

/** Only IPv4 has realms; each way out but the first has one. */
const realmOf = ({ family, withoutRealms }: Topology, index: number): string =>
  family === 4 && index > 0 && !withoutRealms ? ` realm ${6 + index}` : ''

const routesOf = (topology: Topology, { name }: Device, index: number): readonly string[] => [
  `route add ${everything[topology.family]} dev ${name} table ${table.out + index}${realmOf(topology, index)}`,
  `route add ${exitAddress(topology, name)} dev ${name} table ${table.exits}`,
  `rule add pref ${preference.arrived + index} iif ${name} lookup ${table.anyLocal}`,
]

/** In the host namespace, with `ip -4` or `ip -6` by the family: what its devices are, addresses, routes and policy rules. */
export const hostBatch = (topology: Topology): readonly string[] => {
  const { family, devices } = topology
  const quiet = `${quietPorts.first}-${quietPorts.last}`
  const nodad = family === 6 ? ' nodad' : ''
  return [
    'link set dev lo up',
    ...devices.flatMap(({ name, addresses }) => [
      `link set dev ${name} addrgenmode none`,
      `link set dev ${name} group ${groupOf(name)} ${quietly}`,
      ...addresses.map(address => `addr add ${address} dev ${name}${nodad}`),
    ]),
    `rule add pref ${preference.local} lookup local`,
    'rule del pref 0',
    `rule add pref ${preference.exits} iif lo to ${exitPrefix[family]} lookup ${table.exits}`,
    `rule add pref ${preference.quietSource} iif lo ipproto tcp sport ${quiet} blackhole`,
    `rule add pref ${preference.quietDestination} iif lo ipproto tcp dport ${quiet} blackhole`,
    `route add local ${exitAddress(topology, 'lo')} dev lo table ${table.exits}`,
    `route add local ${everything[family]} dev lo table ${table.anyLocal}`,
    ...devices.flatMap((device, index) => routesOf(topology, device, index)),
    ...devices.slice(0, 1).map(({ name }) => `route add ${everything[family]} dev ${name}`),
  ]
}

/** What arrives on a device takes the given course by this rule. */
export const courseRule = (topology: Topology, device: string, course: Course): PolicyRule => ({
  preference: preference.arrived + deviceNumber(topology, device),
  device,
  table: course.kind === 'local' ? table.anyLocal : table.out + deviceNumber(topology, course.device),
})
