// The link commands of bpf(2).

import { linkCreate, linkCreateNetfilter, linkCreateTcx, linkDetach, linkUpdate } from './attribute.ts'
import { bpf, bpfLater } from './bpf.ts'
import { encode, type Struct } from './layout.ts'
import type { FileDescriptor } from './object.ts'
import { attachTypeNumber } from './program.ts'

/** `enum bpf_link_type`. */
export const linkTypeNumber = { XDP: 6, NETFILTER: 10, TCX: 11 } as const

/** XDP_FLAGS_* of linux/if_link.h: in the stack after the driver, or in the driver. */
export const xdpFlag = { generic: 1 << 1, native: 1 << 2 } as const

/** BPF_F_REPLACE: update only if the link still runs the program expected. */
const replace = 1 << 2

/** Where a program runs on a device: before the stack sees the frame, or at its tc hook, behind the programs already there. */
export type DevicePlace =
  | { readonly kind: 'xdp'; readonly ifindex: number; readonly flags: number }
  | { readonly kind: 'tcx'; readonly ifindex: number; readonly direction: 'ingress' | 'egress' }

const deviceLink = (program: FileDescriptor, place: DevicePlace): Struct => {
  const target = { prog_fd: program, target_ifindex: place.ifindex }
  if (place.kind === 'xdp')
    return encode(linkCreate, { ...target, attach_type: attachTypeNumber.XDP, flags: place.flags })
  const attach_type =
    place.direction === 'ingress' ? attachTypeNumber.TCX_INGRESS : attachTypeNumber.TCX_EGRESS
  return encode(linkCreateTcx, { ...target, attach_type })
}

/** Attaches to a device of the calling thread's network namespace. `purpose` as in SystemError. */
export const createDeviceLink = (
  program: FileDescriptor,
  place: DevicePlace,
  purpose: string,
): FileDescriptor => bpf('BPF_LINK_CREATE', deviceLink(program, place), purpose)

/** The same in a thread of its own, and so in that one's network namespace; undefined where it failed, whatever the reason. */
export const createDeviceLinkLater = (
  program: FileDescriptor,
  place: DevicePlace,
): Promise<FileDescriptor | undefined> => bpfLater('BPF_LINK_CREATE', deviceLink(program, place))

/** Where a netfilter program runs, numbered as in linux/netfilter.h. */
export interface NetfilterPlace {
  readonly pf: number
  readonly hooknum: number
  /** Smaller runs earlier; the filter table is 0. */
  readonly priority: number
}

/** Attaches to a netfilter hook of the current network namespace; EBUSY where the priority is taken. */
export const createNetfilterLink = (
  program: FileDescriptor,
  place: NetfilterPlace,
  purpose: string,
): FileDescriptor =>
  bpf(
    'BPF_LINK_CREATE',
    encode(linkCreateNetfilter, { prog_fd: program, attach_type: attachTypeNumber.NETFILTER, ...place }),
    purpose,
  )

/** Swaps a link's program atomically, if it still runs `expected`: else EPERM. */
export const updateLink = (
  link: FileDescriptor,
  program: FileDescriptor,
  expected: FileDescriptor,
  purpose: string,
): void => {
  bpf(
    'BPF_LINK_UPDATE',
    encode(linkUpdate, { link_fd: link, new_prog_fd: program, flags: replace, old_prog_fd: expected }),
    purpose,
  )
}

/** Takes the program off its hook even while the link is pinned; EOPNOTSUPP where the link type cannot. */
export const detachLink = (link: FileDescriptor, purpose: string): void => {
  bpf('BPF_LINK_DETACH', encode(linkDetach, { link_fd: link }), purpose)
}
