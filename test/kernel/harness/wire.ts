import { interfaceIndex } from '../../../src/kernel/sys/interface.ts'
import { insideNamespace } from '../../../src/kernel/sys/namespace.ts'
import { closeLater, type FileDescriptor } from '../../../src/kernel/sys/object.ts'
import { packetSocket, receive, sendFrame } from '../../../src/kernel/sys/socket.ts'
import { build } from '../../packet/build.ts'
import type { Namespaces } from './namespaces.ts'
import { pin } from './pin.ts'
import type { Topology } from './topology.ts'

/** Where frames are sent to arrive on a device: on the other end of it, in the peer; for `lo`, on the device itself. */
interface End {
  readonly socket: FileDescriptor
  readonly index: number
}

/** The devices under test with their other ends. */
export interface Wires {
  /** By the name of the device, `lo` among them. */
  readonly ends: ReadonlyMap<string, End>
  /** Receives the sentinels that have come in by any device. */
  readonly sentinels: FileDescriptor
  readonly peer: FileDescriptor
}

/** Local experimental ethertype 2 (IEEE 802): no rule asks for it and no stack takes it. */
const sentinelType = 0x88b6
/** The protocol of a packet socket that receives nothing. */
const sendOnly = 0
const anyDevice = 0
/** Milliseconds; far beyond what a packet takes, so that only a lost one is late. */
const sentinelTimeout = 5000

const sentinel = build([
  { kind: 'ether', type: sentinelType },
  { kind: 'raw', zeros: 46 },
])

const deviceIndex = (name: string): number => {
  const index = interfaceIndex(name)
  if (index === undefined) throw new Error(`no device ${name}`)
  return index
}

export const openWires = ({ devices }: Topology, namespaces: Namespaces): Wires => {
  pin()
  const far = insideNamespace(namespaces.peer, 'net', () => ({
    socket: packetSocket(anyDevice, sendOnly),
    indices: devices.map(({ name }) => [name, deviceIndex(name)] as const),
  }))
  const near = insideNamespace(namespaces.host, 'net', () => ({
    socket: packetSocket(anyDevice, sentinelType),
    lo: deviceIndex('lo'),
  }))
  return {
    ends: new Map([
      ['lo', { socket: near.socket, index: near.lo }],
      ...far.indices.map(([name, index]) => [name, { socket: far.socket, index }] as const),
    ]),
    sentinels: near.socket,
    peer: far.socket,
  }
}

export const closeWires = ({ sentinels, peer }: Wires): void => {
  closeLater(sentinels)
  closeLater(peer)
}

/** Sends a frame that arrives on a device of the host. Throws RangeError where the test has no such device. */
export const sendTo = ({ ends }: Wires, device: string, frame: Uint8Array): void => {
  const end = ends.get(device)
  if (end === undefined) throw new RangeError(`the test has no device ${device}`)
  sendFrame(end.socket, end.index, frame)
}

/** Returns when all that was sent on these wires has been through the host. Throws where a sentinel is lost. */
export const drain = ({ ends, sentinels }: Wires): void => {
  for (const { socket, index } of ends.values()) sendFrame(socket, index, sentinel)
  for (const _ of ends)
    if (receive(sentinels, sentinelTimeout) === undefined) throw new Error('a sentinel packet did not arrive')
}
