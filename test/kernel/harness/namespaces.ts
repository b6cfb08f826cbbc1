import { insideNamespace } from '../../../src/kernel/sys/namespace.ts'
import { ip } from './command.ts'
import { awaitAddresses } from './own-address.ts'
import { hostSettings, lateHostSettings, peerSettings, writeSettings } from './sysctl.ts'
import { createBatch, deleteBatch, hostBatch, peerBatch, settleBatch, type Topology } from './topology.ts'

/** Two network namespaces, set up for a topology. */
export interface Namespaces {
  /** `/run/netns/…` */
  readonly host: string
  readonly peer: string
  readonly remove: () => void
}

/** Those to remove when the process exits; a test that is done has removed its own. */
const present = new Map<string, () => void>()
let sequence = 0

process.once('exit', () => {
  for (const remove of present.values()) remove()
})

const inside = <T>(path: string, body: () => T): T => insideNamespace(path, 'net', body)

const setUp = (topology: Topology, hostPath: string, peerPath: string, host: string): void => {
  const { family } = topology
  inside(hostPath, () => writeSettings(hostSettings(family)))
  inside(peerPath, () => {
    writeSettings(peerSettings)
    ip(peerBatch(topology, host))
  })
  inside(hostPath, () => {
    ip(hostBatch(topology), `-${family}`)
    awaitAddresses(topology)
    writeSettings(lateHostSettings(family))
  })
  inside(peerPath, () => ip(settleBatch(topology)))
}

/** New namespaces, with names made unique by the process id. */
export const createNamespaces = (topology: Topology): Namespaces => {
  const host = `bpftables-${process.pid}-${sequence++}`
  const peer = `${host}-peer`
  ip(createBatch(host, peer))
  const remove = (): void => {
    if (present.delete(host)) ip(deleteBatch(host, peer))
  }
  present.set(host, remove)
  const namespaces: Namespaces = { host: `/run/netns/${host}`, peer: `/run/netns/${peer}`, remove }
  try {
    setUp(topology, namespaces.host, namespaces.peer, host)
    return namespaces
  } catch (error) {
    remove()
    throw error
  }
}
