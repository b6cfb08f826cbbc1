import { parentPort, workerData } from 'node:worker_threads'
import { packetSocket, send } from '../../src/kernel/sys/socket.ts'
import { build } from '../packet/build.ts'
import { device, inNamespace } from './scratch.ts'
import { closedPort, openPort } from './stream.ts'

const { far, flag } = workerData as { readonly far: string; readonly flag: Int32Array }

const frameTo = (port: number): Uint8Array =>
  build([
    { kind: 'ether' },
    { kind: 'ip', src: '192.0.2.2', dst: '192.0.2.1' },
    { kind: 'udp', sport: 5000, dport: port },
  ])

/** Small enough for the receive queue of a CPU, whatever else it does. */
const BURST = 10

const socket = inNamespace(far, () => packetSocket(device('outside').index))
const frames = [frameTo(openPort), frameTo(closedPort)]
let sent = 0
while (Atomics.load(flag, 0) === 0) {
  for (let burst = 0; burst < BURST; burst += 1) for (const frame of frames) send(socket, frame)
  sent += BURST
  if (sent === BURST) parentPort?.postMessage(sent)
  Atomics.wait(flag, 0, 0, 1)
}
parentPort?.postMessage(sent)
