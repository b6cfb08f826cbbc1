// Pings, as frames of our own: what is answered went through every hook on the way in and out.

import { Worker } from 'node:worker_threads'
import { close } from '../../src/kernel/sys/object.ts'
import { packetSocket, receive, send } from '../../src/kernel/sys/socket.ts'
import { build } from '../packet/build.ts'
import { device, inNamespace } from './scratch.ts'

/** From where to where: the frames are sent and awaited on `device` in `namespace`. */
export interface Path {
  readonly namespace: string
  readonly device: string
  readonly from: string
  readonly to: string
  /** Milliseconds after which an echo counts as lost. */
  readonly patience?: number
}

/** From the far end of a scratch to its near one. */
export const farToNear = (far: string): Path => ({
  namespace: far,
  device: 'outside',
  from: '192.0.2.2',
  to: '192.0.2.1',
})

/** The patience of a path that says nothing of it; only echoes meant to be lost take so long. */
const usualPatience = 200

const isReply = (frame: Uint8Array, sequence: number): boolean => {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  return frame.length >= 42 && frame[23] === 1 && frame[34] === 0 && view.getUint16(40) === sequence
}

const awaitReply = (socket: number, sequence: number, patience: number): boolean => {
  for (let frame = receive(socket, patience); frame !== undefined; frame = receive(socket, patience))
    if (isReply(frame, sequence)) return true
  return false
}

/** The identifier is 1, the sequence number the lower half of the word after the checksum. */
const echo = ({ from, to }: Path, sequence: number): Uint8Array =>
  build([
    { kind: 'ether' },
    { kind: 'ip', src: from, dst: to },
    { kind: 'icmp', type: 8, rest: 0x10000 + sequence },
  ])

/** How many of `count` echo requests, one after the other, are answered. */
export const answeredEchoes = (path: Path, count: number): number => {
  const socket = inNamespace(path.namespace, () => packetSocket(device(path.device).index))
  let answered = 0
  for (let sequence = 1; sequence <= count; sequence += 1) {
    send(socket, echo(path, sequence))
    if (awaitReply(socket, sequence, path.patience ?? usualPatience)) answered += 1
  }
  close(socket)
  return answered
}

/** The same from another thread, while `meanwhile` is called over and over. */
export const answeredEchoesDuring = async (
  path: Path,
  count: number,
  meanwhile: () => void,
): Promise<number> => {
  const worker = new Worker(new URL('./echo-worker.js', import.meta.url), { workerData: { path, count } })
  const timer = setInterval(meanwhile, 1)
  try {
    return await new Promise<number>((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
  } finally {
    clearInterval(timer)
  }
}
