// Rules that only count, so that all packets come to all of them, and the packets sent through them.

import { createHash } from 'node:crypto'
import type { Family } from 'iptables-parser'
import { parsePacket } from '../../packet/text.ts'
import { disagreement, type Experiment, observe } from './differential.ts'
import { direct } from './direct.ts'
import { legacy } from './firewall.ts'
import { fixtureProbes } from './fixture-probes.ts'
import type { Path, Probe } from './probe.ts'
import { topologyOf } from './topology.ts'
import type { HookChoice } from './translatable.ts'

export interface MatchCase {
  readonly name: string
  /** What the rules ask, by base chain; `all` for each of the three. */
  readonly asked: Readonly<Partial<Record<Path['hook'] | 'all', readonly string[]>>>
  /** Left out: every hook. */
  readonly hooks?: readonly HookChoice[]
}

/** Each plain and negated. */
export const bothWays = (name: string, options: readonly string[]): readonly string[] =>
  options.flatMap(option => [`-m ${name} ${option}`, `-m ${name} ! ${option}`])

export const paths: readonly Path[] = [
  { hook: 'INPUT', device: 'eth0' },
  { hook: 'INPUT', device: 'eth1' },
  { hook: 'INPUT', device: 'lo' },
  { hook: 'FORWARD', device: 'eth0', out: 'eth1' },
  { hook: 'OUTPUT', device: 'eth1' },
]

/** A packet of another host's is dropped behind xdp, uncounted. */
const isOtherHosts = ({ name }: Probe): boolean => name.includes('mac-other-host')

/** The fixture packets, and `more`, on every path. */
export const probesOnAllPaths = (family: Family, more: readonly string[]): readonly Probe[] => [
  ...fixtureProbes(family, paths).filter(probe => !isOtherHosts(probe)),
  ...paths.flatMap(path =>
    more.map((text, index) => ({ name: `more-${index}`, packet: parsePacket(text), path })),
  ),
]

const baseChains = ['INPUT', 'FORWARD', 'OUTPUT'] as const

const rulesOf = ({ asked }: MatchCase): string =>
  [
    '*filter',
    ...baseChains.map(chain => `:${chain} ACCEPT [0:0]`),
    ...baseChains.flatMap(chain =>
      [...(asked.all ?? []), ...(asked[chain] ?? [])].map(question => `-A ${chain} ${question}`),
    ),
    'COMMIT',
    '',
  ].join('\n')

/** What iptables-legacy makes of a case, which is asked once for all hooks. */
const answers = new Map<string, readonly string[]>()

const answerTo = async (experiment: Experiment): Promise<readonly string[]> => {
  const question = createHash('sha256').update(JSON.stringify(experiment)).digest('hex')
  const answer = answers.get(question) ?? (await observe(legacy, experiment))
  answers.set(question, answer)
  return answer
}

/** How a case's counters differ from those of iptables-legacy; undefined where they do not. */
export const caseDisagreement = async (
  hook: HookChoice,
  family: Family,
  match: MatchCase,
  probes: readonly Probe[],
): Promise<string | undefined> => {
  const experiment = { topology: topologyOf(family, ['eth0', 'eth1']), rules: rulesOf(match), probes }
  return disagreement(direct(hook), experiment, legacy, await answerTo(experiment))
}
