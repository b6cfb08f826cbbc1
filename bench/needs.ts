// What measuring and showing needs of a machine.

import { geteuid } from 'node:process'
import { closeMap, createMap } from '../src/kernel/map.ts'
import { isInstalled } from './contender/iptables.ts'
import { newNetwork } from './network.ts'

/** Why network namespaces and BPF programs cannot be had here; undefined if they can. */
export function lacking(): string | undefined {
  if (geteuid?.() !== 0) return 'this needs root'
  if (!isInstalled('ip')) return 'this needs the command ip (package iproute2)'
  return (
    failure('network namespaces', () => newNetwork().close()) ??
    failure('bpf(2)', () => closeMap(createMap(probe)))
  )
}

/** Why something cannot be done. */
function failure(what: string, attempt: () => void): string | undefined {
  try {
    attempt()
    return undefined
  } catch (error) {
    return `this needs ${what}: ${error instanceof Error ? error.message : error}`
  }
}

const probe = {
  name: 'bench_probe',
  type: 'ARRAY',
  keySize: 4,
  valueSize: 4,
  maxEntries: 1,
  flags: 0,
  shared: false,
} as const
