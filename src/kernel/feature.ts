// Why the kernel refused a step. Nothing is probed before something failed; then the smallest call that needs
// the feature tells whether the kernel has it, since version numbers lie on distributions that backport.

import { release } from 'node:os'
import type { MapType, ProgramType } from '../../translator/program.ts'
import { KernelError } from './error.ts'
import { errno, SystemError } from './sys/error.ts'
import { createDeviceLink, createNetfilterLink } from './sys/link.ts'
import { createMap } from './sys/map.ts'
import { close, type FileDescriptor } from './sys/object.ts'
import { attachTypeNumber, loadImage } from './sys/program.ts'

export type LinkType = 'XDP' | 'TCX' | 'NETFILTER'

/** The step that failed. */
export type Step =
  | { readonly kind: 'map'; readonly type: MapType }
  | { readonly kind: 'program'; readonly type: ProgramType }
  | { readonly kind: 'link'; readonly type: LinkType }

interface Origin {
  /** The mainline version it came with. */
  readonly since: string
  readonly config: string
}

const mapOrigin = (type: MapType): Origin => ({
  since: type === 'LPM_TRIE' ? '4.11' : '4.6',
  config: 'CONFIG_BPF_SYSCALL',
})

const programOrigin: Readonly<Record<ProgramType, Origin>> = {
  XDP: { since: '4.8', config: 'CONFIG_BPF_SYSCALL' },
  SCHED_CLS: { since: '4.1', config: 'CONFIG_BPF_SYSCALL' },
  NETFILTER: { since: '6.4', config: 'CONFIG_NETFILTER_BPF_LINK' },
}

const linkOrigin: Readonly<Record<LinkType, Origin>> = {
  XDP: { since: '5.9', config: 'CONFIG_BPF_SYSCALL' },
  TCX: { since: '6.6', config: 'CONFIG_NET_XGRESS' },
  NETFILTER: { since: '6.4', config: 'CONFIG_NETFILTER_BPF_LINK' },
}

/** `r0 = 1; exit`: passes every packet at netfilter; the probes never attach it. */
const smallest = Uint8Array.of(0xb7, 0, 0, 0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0)

const loadSmallest = (type: ProgramType): FileDescriptor | undefined => {
  const attachType = type === 'NETFILTER' ? attachTypeNumber.NETFILTER : 0
  const image = { name: 'probe', type, license: 'Dual MIT/GPL', attachType, instructions: smallest }
  const result = loadImage(image)
  return result < 0 ? undefined : result
}

const hasMap = (type: MapType): boolean => {
  const flags = type === 'LPM_TRIE' ? 1 : 0
  try {
    close(
      createMap({
        name: 'probe',
        type,
        keySize: type === 'LPM_TRIE' ? 8 : 4,
        valueSize: 4,
        maxEntries: 1,
        flags,
        shared: false,
      }),
    )
    return true
  } catch {
    return false
  }
}

const hasProgram = (type: ProgramType): boolean => {
  const fd = loadSmallest(type)
  if (fd !== undefined) close(fd)
  return fd !== undefined
}

/** Asks for a link on a device (or protocol family) that cannot be: a kernel with the feature says so, one without EINVAL. */
const requestNowhere: Readonly<Record<LinkType, (program: FileDescriptor) => FileDescriptor>> = {
  XDP: program => createDeviceLink(program, { kind: 'xdp', ifindex: 0x7fffffff, flags: 0 }, 'probe'),
  TCX: program =>
    createDeviceLink(program, { kind: 'tcx', ifindex: 0x7fffffff, direction: 'ingress' }, 'probe'),
  NETFILTER: program => createNetfilterLink(program, { pf: 0xff, hooknum: 0, priority: 1 }, 'probe'),
}

const linkProgram = { XDP: 'XDP', TCX: 'SCHED_CLS', NETFILTER: 'NETFILTER' } as const satisfies Record<
  LinkType,
  ProgramType
>

/** XDP links say EINVAL for no such device as well; but every kernel we run on has them if it has XDP. */
const hasLink = (type: LinkType): boolean => {
  const program = loadSmallest(linkProgram[type])
  if (program === undefined) return false
  try {
    close(requestNowhere[type](program))
    return true
  } catch (error) {
    return type === 'XDP' || !(error instanceof SystemError && error.errno === errno.EINVAL)
  } finally {
    close(program)
  }
}

const originOf = (step: Step): Origin => {
  if (step.kind === 'map') return mapOrigin(step.type)
  return step.kind === 'program' ? programOrigin[step.type] : linkOrigin[step.type]
}

const isPresent = (step: Step): boolean => {
  if (step.kind === 'map') return hasMap(step.type)
  return step.kind === 'program' ? hasProgram(step.type) : hasLink(step.type)
}

const permissionHint =
  'Needs root with CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN (or CAP_SYS_ADMIN) outside of any user namespace; containers usually forbid bpf(2).'

const limitHint = {
  E2BIG: 'The kernel has a limit on the size of one map or program.',
  ENOMEM:
    'Not enough memory for maps and programs: see the memory limit of the unit or cgroup, and net.core.bpf_jit_limit.',
} as const

/** The words for a link at each type of hook. */
const linkName: Readonly<Record<LinkType, string>> = {
  XDP: 'XDP links',
  TCX: 'TCX links',
  NETFILTER: 'BPF programs at netfilter hooks',
}

/** Those of these links that the kernel does not have, in words, each with the version it came with. Asks the kernel. */
export const missingLinks = (
  types: readonly LinkType[],
): readonly { readonly type: LinkType; readonly text: string }[] =>
  types
    .filter(type => !hasLink(type))
    .map(type => {
      const { since, config } = linkOrigin[type]
      return { type, text: `no ${linkName[type]} (they came with Linux ${since}, under ${config})` }
    })

const unsupported = (step: Step, cause: Error): KernelError => {
  const { since, config } = originOf(step)
  const message = `this kernel (${release()}) has no BPF ${step.kind}s of type ${step.type}`
  return new KernelError('ERR_UNSUPPORTED', message, `They came with Linux ${since}, under ${config}.`, cause)
}

/** Answers that may mean the kernel does not know what was asked of it. */
const mayBeMissing: ReadonlySet<string> = new Set(['EINVAL', 'EOPNOTSUPP', 'ENOTSUPP', 'ENOSYS'])

const isTypeMissing = (error: unknown): error is KernelError =>
  error instanceof KernelError && error.code === 'ERR_BTF'

/** Says what a failed step lacks; errors it knows nothing about come back as they are. */
export const explainFailure = (error: unknown, step: Step): unknown => {
  if (isTypeMissing(error)) return isPresent(step) ? error : unsupported(step, error)
  if (!(error instanceof SystemError)) return error
  const { errnoName, message } = error
  if (errnoName === 'EPERM') return new KernelError('ERR_PERMISSION', message, permissionHint, error)
  if (errnoName === 'E2BIG' || errnoName === 'ENOMEM')
    return new KernelError('ERR_LIMIT', message, limitHint[errnoName], error)
  return mayBeMissing.has(errnoName) && !isPresent(step) ? unsupported(step, error) : error
}
