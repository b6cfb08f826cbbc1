// Address types by the routes of one device (--limit-iface-in, --limit-iface-out): the walk against the kernel's own, at every hook that takes
// them, for packets on several devices.

import { failedWith } from '../../src/kernel/sys/error.ts'
import { interfaceIndex } from '../../src/kernel/sys/interface.ts'
import { close, type FileDescriptor } from '../../src/kernel/sys/object.ts'
import { packetSocket, rawSocket, send, sendDatagram } from '../../src/kernel/sys/socket.ts'
import { ipv4Bytes } from '../packet/address.ts'
import { build } from '../packet/build.ts'
import { parsePacket } from '../packet/text.ts'
import { ip } from './harness/command.ts'
import { compare, formatDifferences, linesOf } from './harness/compare.ts'
import { direct } from './harness/direct.ts'
import { legacy } from './harness/firewall.ts'
import type { Host } from './harness/host.ts'
import { seeded } from './harness/random.ts'
import { addressesOf, devices, openPlain, routes, scattered, setups } from './harness/routes.ts'
import { hostSettings, writeSettings } from './harness/sysctl.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const types = ['UNICAST', 'LOCAL', 'BROADCAST', 'ANYCAST', 'MULTICAST', 'UNICAST,LOCAL'] as const

const asked = (chain: string, limit: 'in' | 'out', device: string): readonly string[] =>
  types.flatMap(type =>
    [
      `--dst-type ${type} --limit-iface-${limit}`,
      `--src-type ${type} --limit-iface-${limit}`,
      `! --src-type ${type} --dst-type ${type} --limit-iface-${limit}`,
      `--dst-type ${type}`,
    ].map(match => `-A ${chain} ${limit === 'in' ? '-i' : '-o'} ${device} -m addrtype ${match}`),
  )

const on = (chain: string, limit: 'in' | 'out'): readonly string[] =>
  ['lo', ...devices].flatMap(device => asked(chain, limit, device))

const rules = [
  '*raw',
  ...on('PREROUTING', 'in'),
  'COMMIT',
  '*mangle',
  ...on('POSTROUTING', 'out'),
  'COMMIT',
  '*filter',
  ...on('INPUT', 'in'),
  ...on('FORWARD', 'in'),
  ...on('FORWARD', 'out'),
  ...on('OUTPUT', 'out'),
  'COMMIT',
  '',
].join('\n')

/** Of each chain, how many rules packets must come to at least; of those that are asked, MULTICAST goes nowhere and some types are on one device only. */
const leastMet = { PREROUTING: 20, INPUT: 15, FORWARD: 15, OUTPUT: 20, POSTROUTING: 20 } as const

const sample = 500

/** Addresses that are answered by, and sent to, each of the devices. */
const neighbours = ['192.0.2.9', '10.1.0.9', '10.2.0.2', '127.0.0.1']

const sendAll = (addresses: readonly string[]): void => {
  const wires = devices.map(name => packetSocket(interfaceIndex(`${name}-peer`) ?? Number.NaN, 0))
  const raw = rawSocket(4)
  for (const address of addresses) {
    for (const wire of wires) arrive(wire, address)
    for (const neighbour of neighbours) leave(raw, address, neighbour)
  }
  for (const socket of [...wires, raw]) close(socket)
}

const arrive = (wire: FileDescriptor, address: string): void => {
  for (const ends of [
    `src=203.0.113.9 dst=${address}`,
    `src=${address} dst=192.0.2.2`,
    `src=${address} dst=198.51.100.9`,
    `src=${address} dst=10.1.0.9`,
  ])
    sendIfUp(wire, build(parsePacket(`ether / ip ${ends} / udp`)))
}

const sendIfUp = (wire: FileDescriptor, frame: Uint8Array): void => {
  try {
    send(wire, frame)
  } catch (error) {
    if (!failedWith(error, 'ENETDOWN')) throw error
  }
}

const leave = (raw: FileDescriptor, address: string, neighbour: string): void => {
  for (const ends of [`dst=${address} src=192.0.2.2`, `src=${address} dst=${neighbour}`])
    sendDatagram(raw, build(parsePacket(`ip ${ends} / udp`)), ipv4Bytes(neighbour))
}

const metIn = (lines: readonly string[], chain: string): number =>
  lines.filter(line => /^\[[1-9]/.test(line) && line.includes(`-A ${chain} `) && line.includes('limit-iface'))
    .length

/** What the kernel counted, once it counts no more. */
const settled = async (host: Host): Promise<readonly string[]> => {
  const [one, two] = [await legacy.read(host), await legacy.read(host)].map(linesOf)
  return one && two && compare(one, two).length === 0 ? one : settled(host)
}

/** Both firewalls see each packet, the kernel's first. */
const differences = async (host: Host, seed: number): Promise<string> => {
  const ours = direct('netfilter')
  await legacy.load(host, rules)
  await ours.load(host, rules)
  try {
    const addresses = addressesOf([...routes, ...scattered(seed)], seed)
    host.inside(() => sendAll(seeded(seed).sample(addresses, sample)))
    const expected = await settled(host)
    for (const [chain, least] of Object.entries(leastMet)) {
      const met = metIn(expected, chain)
      if (met < least) return `only ${met} rules of ${chain} were met`
    }
    return formatDifferences(compare(expected, linesOf(await ours.read(host))))
  } finally {
    await ours.unload?.(host)
    await legacy.unload?.(host)
  }
}

for (const [title, setUp] of Object.entries(setups))
  kernelTest(`addresses are to the routes of one device what iptables-legacy says: ${title}`, async t => {
    const host = openPlain()
    try {
      const seed = Math.floor(Math.random() * 2 ** 31)
      t.log(`seed ${seed}`)
      host.inside(() => {
        writeSettings(hostSettings(4))
        for (const name of devices) {
          ip([`link set dev ${name} address 02:00:00:00:00:01`])
          writeSettings({ [`ipv4/conf/${name}/rp_filter`]: '0', [`ipv4/conf/${name}/accept_local`]: '1' })
        }
        ip(scattered(seed).map(route => `route replace ${route}`))
        setUp()
      })
      t.is(await differences(host, seed), '')
    } finally {
      host.close()
    }
  })
