import { type NetfilterChain, netfilterPlaces, type OwnTable } from '../../../translator/hook/place.ts'
import type { NetfilterHook } from '../../../translator/program.ts'
import { KernelError } from '../error.ts'
import { explainFailure } from '../feature.ts'
import type { ProgramHandle } from '../program.ts'
import { failedWith } from '../sys/error.ts'
import { createNetfilterLink } from '../sys/link.ts'
import type { FileDescriptor } from '../sys/object.ts'

/** NFPROTO_* of linux/netfilter.h. */
const protocolFamily = { 4: 2, 6: 10 } as const

/** NF_INET_* of linux/netfilter.h. */
const hookNumber: Readonly<Record<NetfilterChain, number>> = {
  PREROUTING: 0,
  INPUT: 1,
  FORWARD: 2,
  OUTPUT: 3,
  POSTROUTING: 4,
}

export type Family = keyof typeof protocolFamily

/**
 * NF_IP_PRI_* of linux/netfilter_ipv4.h, the same in IPv6. That iptable_raw was told to come before defragmentation (raw_before_defrag) cannot be
 * read from it, so raw is where it is unless told.
 */
const tablePriority: Readonly<Record<OwnTable, number>> = { raw: -300, mangle: -150, filter: 0 }

/** Right behind the table. The kernel wants each BPF program at a priority of its own. */
const places = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const

const create = (
  program: ProgramHandle,
  family: Family,
  hook: NetfilterHook,
  priority: number,
): FileDescriptor =>
  createNetfilterLink(
    program.fd,
    { pf: protocolFamily[family], hooknum: hookNumber[netfilterPlaces[hook].chain], priority },
    `attach to netfilter (IPv${family} ${hook})`,
  )

/** A link at that priority; undefined where it is taken. */
const createAt = (
  program: ProgramHandle,
  family: Family,
  hook: NetfilterHook,
  priority: number,
): FileDescriptor | undefined => {
  try {
    return create(program, family, hook, priority)
  } catch (error) {
    if (failedWith(error, 'EBUSY')) return undefined
    throw explainFailure(error, { kind: 'link', type: 'NETFILTER' })
  }
}

export interface NetfilterLink {
  readonly fd: FileDescriptor
  readonly priority: number
}

/** Attaches to a hook of the current network namespace, at the first free priority behind its table. */
export const attachNetfilter = (
  program: ProgramHandle,
  family: Family,
  hook: NetfilterHook,
): NetfilterLink => {
  const table = tablePriority[netfilterPlaces[hook].table]
  for (const place of places) {
    const priority = table + place
    const fd = createAt(program, family, hook, priority)
    if (fd !== undefined) return { fd, priority }
  }
  const message = `priorities ${table + 1} to ${table + 9} of IPv${family} ${hook} are all taken by other BPF programs`
  throw new KernelError('ERR_ATTACH', message, '`bpftool link` lists them.')
}
