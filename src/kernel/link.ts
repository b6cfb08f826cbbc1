// What all BPF links have in common. How each type is made is in link/.

import { failedWith } from './sys/error.ts'
import { detachLink as detachKernelLink, linkTypeNumber, updateLink as updateKernelLink } from './sys/link.ts'
import {
  close,
  type FileDescriptor,
  linkById,
  linkIds,
  linkInfoOf,
  netfilterLinkInfoOf,
  tcxLinkInfoOf,
  xdpLinkInfoOf,
} from './sys/object.ts'
import { attachTypeNumber } from './sys/program.ts'

interface CommonInfo {
  readonly id: number
  readonly programId: number
}

/** What the kernel says a link is. `ifindex` is 0 once the device is gone. */
export type LinkInfo =
  | (CommonInfo & { readonly kind: 'xdp'; readonly ifindex: number })
  | (CommonInfo & {
      readonly kind: 'tcx'
      readonly ifindex: number
      readonly direction: 'ingress' | 'egress'
    })
  | (CommonInfo & {
      readonly kind: 'netfilter'
      /** NFPROTO_*. */
      readonly pf: number
      /** NF_INET_*. */
      readonly hooknum: number
      readonly priority: number
    })
  | (CommonInfo & { readonly kind: 'other'; readonly type: number })

const xdpInfo = (fd: FileDescriptor, common: CommonInfo): LinkInfo => {
  const { ifindex } = xdpLinkInfoOf(fd)
  return { kind: 'xdp', ...common, ifindex }
}

const tcxInfo = (fd: FileDescriptor, common: CommonInfo): LinkInfo => {
  const { ifindex, attach_type } = tcxLinkInfoOf(fd)
  return { kind: 'tcx', ...common, ifindex, direction: tcxDirection(attach_type) }
}

const tcxDirection = (attachType: number): 'ingress' | 'egress' =>
  attachType === attachTypeNumber.TCX_INGRESS ? 'ingress' : 'egress'

const netfilterInfo = (fd: FileDescriptor, common: CommonInfo): LinkInfo => {
  const { pf, hooknum, priority } = netfilterLinkInfoOf(fd)
  return { kind: 'netfilter', ...common, pf, hooknum, priority }
}

/** Reads back what a link is and which program it runs. */
export const linkInfo = (fd: FileDescriptor): LinkInfo => {
  const { type, id, prog_id: programId } = linkInfoOf(fd)
  const common = { id, programId }
  if (type === linkTypeNumber.XDP) return xdpInfo(fd, common)
  if (type === linkTypeNumber.TCX) return tcxInfo(fd, common)
  if (type === linkTypeNumber.NETFILTER) return netfilterInfo(fd, common)
  return { kind: 'other', ...common, type }
}

/**
 * Swaps the program of an XDP or TCX link atomically, if the link still runs `expected` (else EPERM).
 * A netfilter link answers EOPNOTSUPP: there the slot of a PROG_ARRAY is what is swapped.
 */
export const updateLink = (link: FileDescriptor, program: FileDescriptor, expected: FileDescriptor): void =>
  updateKernelLink(link, program, expected, 'swap the program of a link')

/** Takes the program off its hook, even while the link is pinned. A link whose device is gone is off already. */
export const detachLink = (link: FileDescriptor): void => {
  try {
    detachKernelLink(link, 'detach a link')
  } catch (error) {
    if (!failedWith(error, 'ENOLINK')) throw error
  }
}

const infoById = (id: number): LinkInfo | undefined => {
  try {
    const fd = linkById(id)
    try {
      return linkInfo(fd)
    } finally {
      close(fd)
    }
  } catch (error) {
    if (failedWith(error, 'ENOENT')) return undefined
    throw error
  }
}

/** All links of the machine, whoever made them. */
export const allLinks = (): readonly LinkInfo[] =>
  [...linkIds()].map(infoById).filter(info => info !== undefined)
