import { setImmediate } from 'node:timers/promises'
import { formatPacket } from '../../packet/text.ts'
import { compare, type Difference, formatDifferences, linesOf } from './compare.ts'
import { type Firewall, legacy, loadNat, lockEnvironment, readNat } from './firewall.ts'
import { type Host, openHost } from './host.ts'
import { markPackets } from './marking.ts'
import { describePath, type Probe } from './probe.ts'
import { schedule } from './schedule.ts'
import type { Topology } from './topology.ts'

/** One rule set and the packets sent through it. */
export interface Experiment {
  readonly topology: Topology
  /** iptables-save text. */
  readonly rules: string
  readonly probes: readonly Probe[]
  /** iptables-save text of the kernel's own nat table, whoever filters; left out where nothing is translated. */
  readonly nat?: string
}

/** A new host that `firewall` filters by the rules, for as long as `body` takes. */
const withFirewall = async <T>(
  firewall: Firewall,
  { topology, rules, nat }: Experiment,
  body: (host: Host) => Promise<T>,
): Promise<T> => {
  const host = openHost(topology)
  try {
    markPackets(host, rules, lockEnvironment(host))
    if (nat !== undefined) loadNat(host, nat)
    await firewall.load(host, rules)
    return await body(host)
  } finally {
    await firewall.unload?.(host)
    host.close()
    // what is closed meanwhile comes to its end
    await setImmediate()
  }
}

const outcome = async (
  firewall: Firewall,
  host: Host,
  refused: readonly string[],
): Promise<readonly string[]> => [
  ...linesOf(await firewall.read(host)),
  ...linesOf(readNat(host)),
  ...refused.map(line => `refused ${line}`),
  ...host.traffic(),
]

/**
 * What became of the probes under a firewall, as lines: the tables with their counters, the packets that
 * could not be sent from inside (EPERM is a verdict), and what the kernel delivered, forwarded and sent.
 */
export const observe = (firewall: Firewall, experiment: Experiment): Promise<readonly string[]> =>
  withFirewall(firewall, experiment, async host => outcome(firewall, host, host.send(experiment.probes)))

/** The tables of iptables-legacy after the probes, with counters. */
export const legacyCounters = (experiment: Experiment): Promise<readonly string[]> =>
  withFirewall(legacy, experiment, async host => {
    host.send(experiment.probes)
    return linesOf(await legacy.read(host))
  })

/**
 * What differs in what was observed. Where a device has an XDP program, IPv6 fragments that conntrack put together leave as they came, and
 * elsewhere as one packet if they fit (ip6_fragment, net/ipv6/ip6_output.c, by the skb's layout): how many were sent is then not compared.
 */
export const compareOutcomes = (
  { reshapes }: Firewall,
  { topology: { family } }: Experiment,
  expected: readonly string[],
  actual: readonly string[],
): readonly Difference[] => {
  if (!reshapes || family === 4) return compare(expected, actual)
  const kept = (line: string): boolean => !/ sent \d+ packets, /.test(line)
  return compare(expected.filter(kept), actual.filter(kept))
}

/** Where two firewalls differ over an experiment; both see the same packets in the same order. `expected` is what the oracle has been seen to make of it. */
export const differ = async (
  firewall: Firewall,
  experiment: Experiment,
  oracle: Firewall = legacy,
  expected?: readonly string[],
): Promise<readonly Difference[]> =>
  compareOutcomes(
    firewall,
    experiment,
    expected ?? (await observe(oracle, experiment)),
    await observe(firewall, experiment),
  )

/** The first probe after which two firewalls differ, and how. */
export interface Divergence {
  readonly probe: Probe
  readonly differences: readonly Difference[]
}

/** Sends one probe at a time and compares after each: slow, for finding out which packet it is. */
export const firstDivergence = (
  firewall: Firewall,
  experiment: Experiment,
  oracle: Firewall = legacy,
): Promise<Divergence | undefined> =>
  withFirewall(oracle, experiment, one =>
    withFirewall(firewall, experiment, async other => {
      for (const probe of schedule(experiment.probes).flatMap(phase => phase.probes)) {
        const expected = await outcome(oracle, one, one.send([probe]))
        const actual = await outcome(firewall, other, other.send([probe]))
        const differences = compareOutcomes(firewall, experiment, expected, actual)
        if (differences.length > 0) return { probe, differences }
      }
      return undefined
    }),
  )

const describeDivergence = ({ probe, differences }: Divergence): string =>
  [
    `first after ${probe.name}: ${describePath(probe.path)}: ${formatPacket(probe.packet)}`,
    formatDifferences(differences),
  ].join('\n')

/** Undefined where two firewalls agree; else what differs, the packet that showed it first and the rules. */
export const disagreement = async (
  firewall: Firewall,
  experiment: Experiment,
  oracle: Firewall = legacy,
  expected?: readonly string[],
): Promise<string | undefined> => {
  const differences = await differ(firewall, experiment, oracle, expected)
  if (differences.length === 0) return undefined
  const divergence = await firstDivergence(firewall, experiment, oracle)
  return [
    `${oracle.name} (-) and ${firewall.name} (+) disagree:`,
    formatDifferences(differences),
    divergence === undefined ? 'one packet at a time, they agree' : describeDivergence(divergence),
    experiment.rules,
  ].join('\n')
}
