import { availableParallelism } from 'node:os'
import { interfaceIndex } from '../../../src/kernel/sys/interface.ts'
import { insideNamespace } from '../../../src/kernel/sys/namespace.ts'
import { close, type FileDescriptor } from '../../../src/kernel/sys/object.ts'
import { packetSocket, receive, send } from '../../../src/kernel/sys/socket.ts'
import { build } from '../../packet/build.ts'
import { run } from './command.ts'
import type { Namespaces } from './namespaces.ts'
import type { Topology } from './topology.ts'

/** The two ends of a device under test. */
export interface Wire {
  /** Sends frames that arrive on the device: from the peer; for `lo`, on the device itself. */
  readonly sender: FileDescriptor
  /** Receives the sentinels that have come in by the device. */
  readonly sentinels: FileDescriptor
}

/** Local experimental ethertype 2 (IEEE 802): no rule asks for it and no stack takes it. */
const sentinelType = 0x88b6
/** The protocol of a packet socket that receives nothing. */
const sendOnly = 0
/** Milliseconds; far beyond what a packet takes, so that only a lost one is late. */
const sentinelTimeout = 5000

const sentinel = build([
  { kind: 'ether', type: sentinelType },
  { kind: 'raw', zeros: 46 },
])

/**
 * Keeps the process on one CPU. A packet waits in the queue of the CPU that sent it; in one queue, a
 * sentinel cannot overtake the packets before it.
 */
const pin = (): void => {
  run('taskset', ['-cp', String(process.pid % availableParallelism()), String(process.pid)])
}

let pinned = false

const deviceIndex = (name: string): number => {
  const index = interfaceIndex(name)
  if (index === undefined) throw new Error(`no device ${name}`)
  return index
}

/** The wires of all devices by name, `lo` among them. */
export const openWires = ({ devices }: Topology, { host, peer }: Namespaces): ReadonlyMap<string, Wire> => {
  if (!pinned) pin()
  pinned = true
  const openSender = (name: string) => packetSocket(deviceIndex(name), sendOnly)
  const senders = insideNamespace(peer, 'net', () => devices.map(({ name }) => openSender(name)))
  const wire = (name: string, sender: FileDescriptor): readonly [string, Wire] => [
    name,
    { sender, sentinels: packetSocket(deviceIndex(name), sentinelType) },
  ]
  return insideNamespace(
    host,
    'net',
    () =>
      new Map([
        wire('lo', openSender('lo')),
        ...devices.map(({ name }, index) => wire(name, senders[index] ?? openSender(name))),
      ]),
  )
}

export const closeWire = ({ sender, sentinels }: Wire): void => {
  close(sender)
  close(sentinels)
}

/** Returns when all that was sent on these wires has been through the host. Throws where a sentinel is lost. */
export const drain = (wires: readonly Wire[]): void => {
  for (const { sender } of wires) send(sender, sentinel)
  for (const { sentinels } of wires) {
    if (receive(sentinels, sentinelTimeout) === undefined) throw new Error('a sentinel packet did not arrive')
  }
}
