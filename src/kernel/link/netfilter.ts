import { KernelError } from '../error.ts'
import { explainFailure } from '../feature.ts'
import type { ProgramHandle } from '../program.ts'
import { failedWith } from '../sys/error.ts'
import { createNetfilterLink } from '../sys/link.ts'
import type { FileDescriptor } from '../sys/object.ts'

/** NFPROTO_* of linux/netfilter.h. */
const protocolFamily = { 4: 2, 6: 10 } as const

/** NF_INET_* of linux/netfilter.h. */
const hookNumber = { input: 1, forward: 2, output: 3 } as const

export type Family = keyof typeof protocolFamily
export type NetfilterHook = keyof typeof hookNumber

/** Right behind the filter table (0). The kernel wants each BPF program at a priority of its own. */
const priorities = [1, 2, 3, 4, 5, 6, 7, 8, 9] as const

const create = (
  program: ProgramHandle,
  family: Family,
  hook: NetfilterHook,
  priority: number,
): FileDescriptor =>
  createNetfilterLink(
    program.fd,
    { pf: protocolFamily[family], hooknum: hookNumber[hook], priority },
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

/** Attaches to a hook of the current network namespace, at the first free priority behind the filter table. */
export const attachNetfilter = (
  program: ProgramHandle,
  family: Family,
  hook: NetfilterHook,
): NetfilterLink => {
  for (const priority of priorities) {
    const fd = createAt(program, family, hook, priority)
    if (fd !== undefined) return { fd, priority }
  }
  const message = `priorities 1 to 9 of IPv${family} ${hook} are all taken by other BPF programs`
  throw new KernelError('ERR_ATTACH', message, '`bpftool link` lists them.')
}
