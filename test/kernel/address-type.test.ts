// What addresses are to routing, for tables with all kinds of routes: the walk along the kernel's trie against the kernel's own, in a namespace
// where `local` and `main` are one table, as they are until a policy rule is made, and in one where they are two.

import { close } from '../../src/kernel/sys/object.ts'
import { rawSocket, sendDatagram } from '../../src/kernel/sys/socket.ts'
import { ipv4Bytes } from '../packet/address.ts'
import { build } from '../packet/build.ts'
import { parsePacket } from '../packet/text.ts'
import { ip } from './harness/command.ts'
import { compare, formatDifferences, linesOf } from './harness/compare.ts'
import { direct } from './harness/direct.ts'
import { legacy } from './harness/firewall.ts'
import type { Host } from './harness/host.ts'
import { addressesOf, openPlain, routes, scattered, setups } from './harness/routes.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

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
