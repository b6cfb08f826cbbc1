import type { Experiment } from './differential.ts'
import type { Probe } from './probe.ts'
import type { Device, Topology } from './topology.ts'

/** Addresses a device is given at most: programs that look for a packet's destination among them give up at some number. */
const MOST_ADDRESSES = 12

const addressOf = ({ packet }: Probe, which: 'src' | 'dst'): string | undefined =>
  packet.flatMap(layer => ((layer.kind === 'ip' || layer.kind === 'ip6') && layer[which]) || [])[0]

const isUnicast = (address: string): boolean =>
  address.includes(':')
    ? !/^(ff|fe[89ab]|::)/.test(address)
    : !/^(0|127|22[4-9]|2[34]\d|25\d)\./.test(address) && !address.endsWith('.255')

/**
 * The subnet-router anycast addresses of a device's networks (RFC 4291, 2.6.1). A forwarding host has them too, and which of two routes for one address
 * the kernel takes is up to which of them its work queue added first.
 */
const anycastAt = ({ addresses }: Device): readonly string[] =>
  addresses.map(address => address.replace(/[^:]*\/64$/, ''))

const destinationsAt = (device: string, probes: readonly Probe[]): readonly string[] => {
  const arriving = probes.filter(({ path }) => path.hook === 'INPUT' && path.device === device)
  // the host's answers to itself would come in by lo, at times after the counters have been read
  const sources = new Set(arriving.map(probe => addressOf(probe, 'src')))
  const addresses = arriving
    .flatMap(probe => addressOf(probe, 'dst') ?? [])
    .filter(address => isUnicast(address) && !sources.has(address))
  return [...new Set(addresses)].slice(0, MOST_ADDRESSES)
}

/** A device with the destinations for addresses, those left out that the host has already: an address has one route. */
const withAddresses = (
  { name, addresses }: Device,
  destinations: readonly string[],
  taken: Set<string>,
): Device => {
  const more = destinations.filter(address => !taken.has(address))
  for (const address of more) taken.add(address)
  return {
    name,
    addresses: [...addresses, ...more.map(address => `${address}/${address.includes(':') ? 128 : 32}`)],
  }
}

const owning = (topology: Topology, probes: readonly Probe[]): Topology => {
  const { devices } = topology
  const taken = new Set(
    devices.flatMap(device => [
      ...device.addresses.map(address => address.replace(/\/.*/, '')),
      ...anycastAt(device),
    ]),
  )
  return {
    ...topology,
    withoutRealms: true,
    devices: devices.map(device => withAddresses(device, destinationsAt(device.name, probes), taken)),
  }
}

/**
 * The same experiment on a host that has many of the destinations for its own addresses, as hosts do whose packets can be judged before they are
 * routed; elsewhere in these tests it is routes that deliver everything.
 */
export const owned = (experiment: Experiment): Experiment => ({
  ...experiment,
  topology: owning(experiment.topology, experiment.probes),
})
