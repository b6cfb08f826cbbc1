// Whose socket sent a packet, for processes of another user: datagrams, and connections from the first packet to the last.

import { observe } from './harness/differential.ts'
import { direct } from './harness/direct.ts'
import { type Firewall, legacy } from './harness/firewall.ts'
import { topologyOf } from './harness/topology.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const topology = topologyOf(4, ['eth0', 'eth1'])

const owners = [
  '--uid-owner 1234',
  '--gid-owner 5678',
  '--uid-owner 1000-2000 --gid-owner 0-5000',
  '--socket-exists',
  '--gid-owner 5678 --suppl-groups',
  '--gid-owner 99 --suppl-groups',
  '--gid-owner 8-98 --suppl-groups',
  '--uid-owner 1234 --gid-owner 7 --suppl-groups',
  '--uid-owner 0-2000 --gid-owner 6000-4294967294 --suppl-groups',
]
const packets = [
  '-p udp -m udp --dport 9',
  ...['SYN', 'SYN,ACK'].map(flags => `-o lo -p tcp -m tcp --tcp-flags SYN,ACK,RST,FIN ${flags}`),
]

const rules = [
  '*filter',
  ...packets.flatMap(packet =>
    owners.flatMap(owner => [
      `-A OUTPUT ${packet} -m owner ${owner}`,
      `-A OUTPUT ${packet} -m owner ! ${owner}`,
    ]),
  ),
  'COMMIT',
  '',
].join('\n')

/** A connection of a process with itself. */
const connect = `
  const { createServer, connect } = require('node:net')
  const server = createServer(socket => socket.end('hello')).listen(7777, '127.0.0.1', () =>
    connect(7777, '127.0.0.1').resume().on('close', () => server.close()))`

const as = (user: number, group: number): string[] => [
  `--reuid=${user}`,
  `--regid=${group}`,
  `--groups=${user === 0 ? '8' : '7,99,100000'}`,
]

/** Counted after processes of two users have sent. */
const withTraffic = (firewall: Firewall): Firewall => ({
  ...firewall,
  read: host => {
    for (const owner of [as(1234, 5678), as(0, 0)]) {
      host.run('setpriv', [...owner, 'bash', '-c', 'echo > /dev/udp/192.0.2.9/9'])
      host.run('setpriv', [...owner, process.execPath, '-e', connect])
    }
    return firewall.read(host)
  },
})

kernelTest('packets belong to the processes that iptables-legacy says they belong to', async t => {
  const experiment = { topology, rules, probes: [] }
  const ownerLines = async (firewall: Firewall): Promise<readonly string[]> =>
    (await observe(withTraffic(firewall), experiment)).filter(line => line.includes('-m owner'))
  const counted = await ownerLines(legacy)
  // none but those that ask of one user what is the other's, and for a packet without a socket
  t.is(counted.filter(line => !line.startsWith('[0:0]')).length, 42)
  t.deepEqual(await ownerLines(direct('netfilter')), counted)
})
