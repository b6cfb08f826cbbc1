// Headers that do not lie in the linear part of an skb, where nearly all do: programs read them another way.

import { interfaceIndex } from '../../src/kernel/sys/interface.ts'
import { close } from '../../src/kernel/sys/object.ts'
import { expectVirtioHeaders, packetSocket, send } from '../../src/kernel/sys/socket.ts'
import { build } from '../packet/build.ts'
import { hostMac } from '../packet/link.ts'
import { parsePacket } from '../packet/text.ts'
import { bareHost } from './harness/bare-host.ts'
import { ip, run } from './harness/command.ts'
import { linesOf } from './harness/compare.ts'
import { direct } from './harness/direct.ts'
import { type Firewall, legacy } from './harness/firewall.ts'
import type { Host } from './harness/host.ts'
import { pin } from './harness/pin.ts'
import { families } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

type Family = (typeof families)[number]

const links = [
  'link set dev lo up',
  `link add d0 mtu 9000 address ${hostMac} type veth peer name d0-peer mtu 9000`,
  'link set dev d0-peer up',
  'link set dev d0 up',
]
const routes = {
  4: 'route add local 198.51.100.0/24 dev lo',
  6: 'route add local 2001:db8:2::/64 dev lo',
} as const
/** No source is refused for the way back to it. */
const sysctls = ['net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.d0.rp_filter=0']

/** Shorter frames are linear whatever the sender says. */
const DATA = 5000
const ETHERNET = 14
const VIRTIO = 10

const packets: Readonly<Record<Family, readonly string[]>> = {
  4: [
    `ether / ip src=192.0.2.9 dst=198.51.100.1 / tcp dport=22 flags=syn options=020405b4 / raw zeros=${DATA}`,
    `ether / ip src=192.0.2.9 dst=198.51.100.1 options=01010101 / udp dport=53 / raw zeros=${DATA}`,
  ],
  6: [
    'hopopt / dstopt / route / ah / tcp dport=22 flags=syn',
    'dstopt / frag / udp dport=53',
    'dstopt / frag offset=1 / udp dport=53',
    'dstopt / dstopt / dstopt / dstopt / dstopt / dstopt / dstopt / dstopt / dstopt / dstopt / tcp dport=22',
  ].map(chain => `ether / ip6 src=2001:db8:77::1 dst=2001:db8:2::1 / ${chain} / raw zeros=${DATA}`),
}

/** From none of what is behind the IP header to more than all headers. */
const linearParts = (family: Family): number[] => {
  const first = ETHERNET + (family === 4 ? 20 : 40)
  return Array.from({ length: 130 }, (_, more) => first + more)
}

const rules: Readonly<Record<Family, string>> = {
  4: `*filter
:INPUT ACCEPT [0:0]
-A INPUT -p udp -m udp --dport 53
-A INPUT -p tcp -m tcp --dport 22 --tcp-flags SYN,ACK SYN
-A INPUT -p tcp -m tcp --tcp-option 2
-A INPUT -p tcp
COMMIT
`,
  6: `*filter
:INPUT ACCEPT [0:0]
-A INPUT -p udp -m udp --dport 53
-A INPUT -p tcp -m tcp --dport 22 --tcp-flags SYN,ACK SYN
-A INPUT -m ah ! --ahspi 7
-A INPUT -m frag --fragfirst
-A INPUT -p tcp
COMMIT
`,
}

const open = (family: Family, kind: string): Host => {
  const name = `bpftables-${process.pid}-${kind}${family}`
  run('ip', ['netns', 'add', name])
  const host: Host = { ...bareHost(name), topology: { family, devices: [] } }
  host.inside(() => ip([...links, routes[family]], family === 6 ? '-6' : '-4'))
  host.run('sysctl', ['-qw', ...sysctls])
  return host
}

/** Different ones behind one another: what lies behind a linear part may be what another frame has left there. */
const framesOf = (family: Family): Uint8Array[] => {
  const frames = packets[family].map(text => build(parsePacket(text)))
  return linearParts(family).flatMap(linear => frames.map(frame => withVirtioHeader(frame, linear)))
}

function withVirtioHeader(frame: Uint8Array, linear: number): Uint8Array {
  const sent = new Uint8Array(VIRTIO + frame.length)
  new DataView(sent.buffer).setUint16(2, linear, true)
  sent.set(frame, VIRTIO)
  return sent
}

/** What a firewall counts of the packets, whatever their layout. */
const counted = async (firewall: Firewall, family: Family): Promise<readonly string[]> => {
  const host = open(family, firewall === legacy ? 'legacy' : 'split')
  try {
    await firewall.load(host, rules[family])
    host.inside(() => {
      const wire = packetSocket(interfaceIndex('d0-peer') ?? Number.NaN, 0)
      expectVirtioHeaders(wire)
      for (const frame of framesOf(family)) send(wire, frame)
      close(wire)
    })
    // the kernel says which groups it is in (MLD) whenever it likes
    return linesOf(await firewall.read(host)).filter(line => !line.startsWith(':OUTPUT'))
  } finally {
    await firewall.unload?.(host)
    host.close()
  }
}

for (const family of families)
  kernelTest(`IPv${family} at netfilter: headers count wherever they lie`, async t => {
    pin()
    const expected = await counted(legacy, family)
    t.log(expected)
    t.deepEqual(await counted(direct('netfilter'), family), expected)
  })
