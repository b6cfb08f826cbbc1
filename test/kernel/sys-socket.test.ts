import { attachNetfilter } from '../../src/kernel/link/netfilter.ts'
import { loadProgram } from '../../src/kernel/program.ts'
import { interfaceIndex, interfaceName } from '../../src/kernel/sys/interface.ts'
import { close } from '../../src/kernel/sys/object.ts'
import { packetSocket, rawSocket, receive, sendDatagram } from '../../src/kernel/sys/socket.ts'
import { build } from '../packet/build.ts'
import * as asm from './assemble.ts'
import { kernelTest } from './needs-kernel.ts'
import { device, inNamespace, withScratch } from './scratch.ts'

const marker = Buffer.from('bpftables-raw-socket')

const datagram = build([
  { kind: 'ip', src: '192.0.2.1', dst: '192.0.2.2' },
  { kind: 'udp', dport: 9 },
  { kind: 'raw', hex: marker.toString('hex') },
])

/** A frame with the datagram itself, not an ICMP error that quotes it. */
const isDatagram = (frame: Uint8Array): boolean => frame[23] === 17 && Buffer.from(frame).includes(marker)

const isSeen = (socket: number, timeout: number): boolean => {
  for (let frame = receive(socket, timeout); frame !== undefined; frame = receive(socket, timeout))
    if (isDatagram(frame)) return true
  return false
}

kernelTest('a raw socket sends datagrams through the output path, and says when a filter refuses one', t =>
  withScratch(({ near, far }) => {
    const watch = inNamespace(far, () => packetSocket(device('outside').index))
    const raw = inNamespace(near, () => rawSocket(4))
    const to = Uint8Array.of(192, 0, 2, 2)
    t.true(sendDatagram(raw, datagram, to))
    t.true(isSeen(watch, 60_000))

    const drop = loadProgram(asm.always('nf-output', 0), new Map())
    const link = inNamespace(near, () => attachNetfilter(drop, 4, 'nf-output'))
    t.false(sendDatagram(raw, datagram, to))
    t.false(isSeen(watch, 50))
    for (const fd of [watch, raw, link.fd, drop.fd]) close(fd)
  }),
)

kernelTest('devices are found by name and by index, in the namespace one is in', t =>
  withScratch(({ near }) => {
    const index = inNamespace(near, () => interfaceIndex('inside') ?? 0)
    t.true(index > 0)
    t.is(
      inNamespace(near, () => interfaceName(index)),
      'inside',
    )
    t.is(
      inNamespace(near, () => interfaceIndex('outside')),
      undefined,
    )
    t.is(
      inNamespace(near, () => interfaceName(0x7fffffff)),
      undefined,
    )
  }),
)
