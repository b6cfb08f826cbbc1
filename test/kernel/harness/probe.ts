import type { Packet } from '../../packet/layer.ts'

/** The devices a packet takes through the host, and so the hook of the filter table it meets. */
export type Path =
  | { readonly hook: 'INPUT'; readonly device: string }
  | { readonly hook: 'FORWARD'; readonly device: string; readonly out: string }
  | { readonly hook: 'OUTPUT'; readonly device: string }

/** One packet to send. Those of one flow are sent in the order given; between flows the order may change. */
export interface Probe {
  readonly name: string
  readonly packet: Packet
  readonly path: Path
  readonly flow?: string
}

/** What a raw socket sends of a packet: all from its IP header on; undefined where it has none. */
export const datagramOf = (packet: Packet): Packet | undefined => {
  const start = packet.findIndex(({ kind }) => kind === 'ip' || kind === 'ip6')
  return start < 0 ? undefined : packet.slice(start)
}

/** Whether packets are sent through a raw socket: from OUTPUT, and to `lo`, which is OUTPUT and then INPUT. */
export const isSentFromInside = (path: Path): boolean => path.hook === 'OUTPUT' || path.device === 'lo'

/** `FORWARD eth0 -> eth1`, for people. */
export const describePath = (path: Path): string =>
  path.hook === 'FORWARD' ? `FORWARD ${path.device} -> ${path.out}` : `${path.hook} ${path.device}`
