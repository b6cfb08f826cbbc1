import type { Experiment } from './differential.ts'
import type { Probe } from './probe.ts'
import type { Topology } from './topology.ts'

/** Addresses a device is given at most: programs that look for a packet's destination among them give up at some number. */
const MOST_ADDRESSES = 12

const addressOf = ({ packet }: Probe, which: 'src' | 'dst'): string | undefined =>
  packet.flatMap(layer => ((layer.kind === 'ip' || layer.kind === 'ip6') && layer[which]) || [])[0]

const isUnicast = (address: string): boolean =>
  address.includes(':')
    ? !/^(ff|fe[89ab]|::)/.test(address)
    : !/^(0|127|22[4-9]|2[34]\d|25\d)\./.test(address) && !address.endsWith('.255')

const destinationsAt = (device: string, probes: readonly Probe[]): readonly string[] => {
  const arriving = probes.filter(({ path }) => path.hook === 'INPUT' && path.device === device)
  // the host's answers to itself would come in by lo, at times after the counters have been read
  const sources = new Set(arriving.map(probe => addressOf(probe, 'src')))
  const addresses = arriving
    .flatMap(probe => addressOf(probe, 'dst') ?? [])
    .filter(address => isUnicast(address) && !sources.has(address))
  return [...new Set(addresses)].slice(0, MOST_ADDRESSES)
}

const owning = ({ family, ...rest }: Topology, probes: readonly Probe[]): Topology => ({
  ...rest,
  family,
  withoutRealms: true,
  devices: rest.devices.map(({ name, addresses }) => {
    const owned = addresses.map(address => address.split('/')[0])
    const others = destinationsAt(name, probes).filter(address => !owned.includes(address))
    return {
      name,
      addresses: [...addresses, ...others.map(address => `${address}/${family === 4 ? 32 : 128}`)],
    }
  }),
})

/**
 * The same experiment on a host that has many of the destinations for its own addresses, as hosts do whose packets can be judged before they are
 * routed; elsewhere in these tests it is routes that deliver everything.
 */
export const owned = (experiment: Experiment): Experiment => ({
  ...experiment,
  topology: owning(experiment.topology, experiment.probes),
})
