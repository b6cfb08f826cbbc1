// Why over IPv6 the types that routes have are refused (docs/architecture.md): what iptables says of an address is up to the look-up before it, and
// its own look-up is the one before the next.

import { interfaceIndex } from '../../src/kernel/sys/interface.ts'
import { close } from '../../src/kernel/sys/object.ts'
import { packetSocket, send } from '../../src/kernel/sys/socket.ts'
import { build } from '../packet/build.ts'
import { hostMac } from '../packet/link.ts'
import { parsePacket } from '../packet/text.ts'
import { bareHost } from './harness/bare-host.ts'
import { ip, run } from './harness/command.ts'
import { linesOf } from './harness/compare.ts'
import { legacy } from './harness/firewall.ts'
import type { Host } from './harness/host.ts'
import { pin } from './harness/pin.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

/** An address of each type, whose routes have one next hop object in common. */
const routes = {
  UNICAST: { route: '2001:db8:1::/64', address: '2001:db8:1::7' },
  LOCAL: { route: 'local 2001:db8:2::/64 table local', address: '2001:db8:2::7' },
  UNREACHABLE: { route: 'unreachable 2001:db8:3::/64', address: '2001:db8:3::7' },
} as const
type Type = keyof typeof routes
const types = Object.keys(routes) as readonly Type[]

const links = [
  'link set dev lo up',
  `link add d0 address ${hostMac} type veth peer name d0-peer`,
  'link set dev d0-peer up',
  'link set dev d0 up',
  'nexthop add id 1 dev d0',
  ...Object.values(routes).map(({ route }) => `route add ${route} nhid 1`),
]

/** Every change of routes ends the copies that look-ups made of them. */
const forget = ['route add 2001:db8:ff::/64 dev d0', 'route del 2001:db8:ff::/64 dev d0']

const asked = ['LOCAL', 'UNREACHABLE'] as const

const rules = [
  '*raw',
  ...types.flatMap(type =>
    asked.map(other => `-A PREROUTING -d ${routes[type].address} -m addrtype --dst-type ${other}`),
  ),
  'COMMIT',
  '',
].join('\n')

const open = (): Host => {
  const name = `bpftables-${process.pid}-types6`
  run('ip', ['netns', 'add', name])
  const host: Host = { ...bareHost(name), topology: { family: 6, devices: [] } }
  host.inside(() => ip(links, '-6'))
  return host
}

/** What iptables takes the address of each type for, where packets to them come in this order. */
const taken = async (host: Host, order: readonly Type[]): Promise<Readonly<Record<Type, string>>> => {
  await legacy.load(host, rules)
  host.inside(() => {
    ip(forget, '-6')
    const wire = packetSocket(interfaceIndex('d0-peer') ?? Number.NaN, 0)
    for (const type of order)
      send(wire, build(parsePacket(`ether / ip6 src=2001:db8:77::1 dst=${routes[type].address} / udp`)))
    close(wire)
  })
  const met = linesOf(await legacy.read(host)).filter(line => line.startsWith('[1:'))
  const typeOf = (type: Type): string =>
    asked.find(other =>
      met.some(line => line.includes(routes[type].address) && line.endsWith(`--dst-type ${other}`)),
    ) ?? 'UNICAST'
  return { UNICAST: typeOf('UNICAST'), LOCAL: typeOf('LOCAL'), UNREACHABLE: typeOf('UNREACHABLE') }
}

kernelTest('over IPv6 iptables-legacy takes addresses for what the one before them was', async t => {
  pin()
  const host = open()
  try {
    for (const first of types) {
      const order = [first, ...types.filter(type => type !== first)]
      t.deepEqual(await taken(host, order), { UNICAST: first, LOCAL: first, UNREACHABLE: first })
    }
  } finally {
    await legacy.unload?.(host)
    host.close()
  }
})
