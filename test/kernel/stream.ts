// A stream of packets from the far end of a scratch to its near one, from a thread of its own: half of them to a port that rules let
// through, half to one that they do not. What got past bpftables is counted by the kernel's own iptables: its security table is asked
// right behind our programs.

import { Worker } from 'node:worker_threads'
import { runIn } from './installation.ts'
import type { Scratch } from './scratch.ts'

export const openPort = 1000
export const closedPort = 2000

export interface Stream {
  /** Ends the stream; how many packets were sent to each of the two ports. */
  readonly stop: () => Promise<number>
}

/** Begins to send, and returns when the first packets are on their way. */
export async function startStream({ far }: Scratch): Promise<Stream> {
  const flag = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL('./stream-worker.js', import.meta.url), { workerData: { far, flag } })
  const failed = new Promise<never>((_, reject) => worker.once('error', reject))
  const next = (): Promise<number> =>
    Promise.race([failed, new Promise<number>(resolve => worker.once('message', resolve))])
  await next()
  return {
    stop: () => {
      const sent = next()
      Atomics.store(flag, 0, 1)
      return sent
    },
  }
}

/** Begins to count what reaches the two ports. */
export function watchPorts({ near }: Scratch): void {
  for (const port of [openPort, closedPort])
    iptables(near, ['-A', 'INPUT', '-p', 'udp', '--dport', `${port}`])
}

/** How many packets reached the two ports. */
export function readPorts({ near }: Scratch): { readonly open: number; readonly closed: number } {
  const text = iptables(near, ['-L', 'INPUT', '-v', '-n', '-x'])
  const count = (port: number): number =>
    Number(new RegExp(`^ *(\\d+) .*udp dpt:${port}`, 'm').exec(text)?.[1] ?? Number.NaN)
  return { open: count(openPort), closed: count(closedPort) }
}

function iptables(namespace: string, args: readonly string[]): string {
  const { code, stdout, stderr } = runIn(namespace, ['iptables-legacy', '-t', 'security', ...args])
  if (code !== 0) throw new Error(stderr)
  return stdout
}
