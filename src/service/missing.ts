// Kernels that lack what a hook needs. No hook makes up for another: xdp and tc judge INPUT alone, and there only packets that say all of
// themselves; fragments, options, multicast, devices not listed, FORWARD and OUTPUT are judged at netfilter. Without netfilter hooks those packets
// would go unfiltered, so nothing is loaded at all.

import { release } from 'node:os'
import { KernelError } from '../kernel/error.ts'
import { type LinkType, missingLinks } from '../kernel/feature.ts'
import { ServiceError } from './error.ts'
import type { Generation } from './generation.ts'

type Hook = Generation['hook']

const needs: Readonly<Record<Hook, readonly LinkType[]>> = {
  netfilter: ['NETFILTER'],
  xdp: ['XDP', 'NETFILTER'],
  tc: ['TCX', 'NETFILTER'],
}

/** Failures that a feature which is not there can cause: the kernel refused a program, or knows nothing of a type or function. */
const mayBeMissing = (error: unknown): boolean =>
  error instanceof ServiceError
    ? error.code === 'ERR_REJECTED'
    : error instanceof KernelError && (error.code === 'ERR_UNSUPPORTED' || error.code === 'ERR_BTF')

const withoutNetfilter =
  "No hook can take their place: xdp and tc leave fragments, IP options, multicast, FORWARD and OUTPUT to them. Until the kernel is newer, leave the rules to the kernel's own iptables."

const hintFor = (missing: readonly LinkType[]): string => {
  if (missing.includes('NETFILTER')) return withoutNetfilter
  const others = (['netfilter', 'xdp', 'tc'] as const).filter(
    hook => !needs[hook].some(type => missing.includes(type)),
  )
  return `This kernel can do ${others.map(hook => `--hook ${hook}`).join(' and ')}, with the same verdicts and counters.`
}

/** Says all that the kernel lacks for a hook where that may be why something failed; else the error comes back as it is. */
export function explainMissing(error: unknown, hook: Hook): unknown {
  if (!mayBeMissing(error)) return error
  const missing = missingLinks(needs[hook])
  if (missing.length === 0) return error
  const what = missing.map(({ text }) => text).join(' and ')
  const message = `rules cannot run at ${hook} here: this kernel (${release()}) has ${what}`
  return new KernelError('ERR_UNSUPPORTED', message, hintFor(missing.map(({ type }) => type)), error)
}
