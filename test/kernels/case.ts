// What is tried on every kernel. Which cases there are for it is told by its version alone: were what a kernel can do asked of the code under
// test, a feature that code fails to find would look like one that is not there.

import {
  enforces,
  enforcesHardened,
  keepsAnsweringThroughSwaps,
  needsTypes,
  tracksConnections,
} from './enforcing.ts'
import { attach } from './object.ts'
import { differentialCases } from './random.ts'
import { refuses } from './refusing.ts'
import { has, type Version, versionOf } from './version.ts'

export interface Case {
  readonly title: string
  /** Throws where it fails; what it yields is printed with its title. */
  readonly body: () => Promise<string | undefined>
}

const hookCases = (kernel: Version): Case[] => {
  const netfilter = has(kernel, 'netfilter')
  const tcx = has(kernel, 'tcx')
  const links = [...(tcx ? [] : ['TCX links']), ...(netfilter ? [] : ['netfilter hooks'])]
  return [
    netfilter ? enforces('auto') : refuses('auto', ['netfilter hooks']),
    netfilter ? enforces('netfilter') : refuses('netfilter', ['netfilter hooks']),
    netfilter ? enforces('xdp') : refuses('xdp', ['netfilter hooks']),
    netfilter && tcx ? enforces('tc') : refuses('tc', links),
  ]
}

/** The cases for a kernel, in the order to run them in; seeds of random rule sets count up from `seed`. */
export function casesFor(release: string, seed: number): Case[] {
  const kernel = versionOf(release)
  const hooks = [
    ...(has(kernel, 'netfilter') ? (['netfilter', 'xdp'] as const) : []),
    ...(has(kernel, 'netfilter') && has(kernel, 'tcx') ? (['tc'] as const) : []),
  ]
  return [
    ...hookCases(kernel),
    ...hooks.map(keepsAnsweringThroughSwaps),
    ...(has(kernel, 'netfilter') ? [tracksConnections, enforcesHardened, needsTypes] : []),
    ...hooks.flatMap(hook => differentialCases(hook, seed)),
    ...attach(kernel),
  ]
}
