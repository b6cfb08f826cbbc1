// What measuring and showing needs of a machine.

import { geteuid } from 'node:process'
import { isInstalled } from './contender/iptables.ts'
import { newNetwork } from './network.ts'

/** Why network namespaces and BPF programs cannot be had here; undefined if they can. */
export function lacking(): string | undefined {
  if (geteuid?.() !== 0) return 'this needs root'
  if (!isInstalled('ip')) return 'this needs the command ip (package iproute2)'
  try {
    newNetwork().close()
    return undefined
  } catch (error) {
    return `this needs network namespaces: ${error instanceof Error ? error.message : error}`
  }
}
