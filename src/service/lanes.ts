// Which lanes rules are translated for, and what of it has to be attached where.

import type { Family } from 'iptables-parser'
import type { Lane } from '../../translator/lane.ts'
import type { NetfilterHook } from '../../translator/program.ts'
import type { EarlyChoice } from './early.ts'
import type { Generation } from './generation.ts'
import { allDevices } from './interfaces.ts'
import type { HookChoice, Settings } from './settings.ts'

/** The hook that decides: netfilter sees what the filter table sees, so `auto` is that, with an early drop in front of it (early.ts). */
export const chosenHook = (choice: HookChoice): Generation['hook'] =>
  choice === 'auto' ? 'netfilter' : choice

/** What lanes are at; no lane is at tc egress. */
export type LaneHook = Lane['hook']

/** One place that a dispatcher is attached to. */
export type Attachment =
  | {
      readonly kind: 'netfilter'
      readonly hook: NetfilterHook
      readonly family: Family
    }
  | {
      readonly kind: 'xdp'
      readonly hook: 'xdp'
      readonly device: string
      /** Only in the driver: behind it, tc does as well. */
      readonly native?: true
    }
  | { readonly kind: 'tc'; readonly hook: 'tc-ingress'; readonly device: string }

/** What tells the attachments of a hook apart; the name of the link's pin. */
export const placeOf = (attachment: Attachment): string =>
  attachment.kind === 'netfilter' ? `ipv${attachment.family}` : attachment.device

/** All attachments that the lanes of a generation need. */
export function attachmentsOf({
  lanes,
  devices,
  early = [],
}: Pick<Generation, 'lanes' | 'devices' | 'early'>): Attachment[] {
  return lanes.flatMap((lane): Attachment[] => {
    if (lane.family !== undefined) return [{ kind: 'netfilter', hook: lane.hook, family: lane.family }]
    const native = lane.early ? { native: true as const } : {}
    return devicesOf(lane, devices, early).map(device =>
      lane.hook === 'xdp'
        ? { kind: 'xdp', hook: 'xdp', device, ...native }
        : { kind: 'tc', hook: 'tc-ingress', device },
    )
  })
}

function devicesOf(lane: Lane, devices: readonly string[], early: readonly EarlyChoice[]): readonly string[] {
  if (!lane.early) return devices
  const hook = lane.hook === 'xdp' ? 'xdp' : 'tc'
  return early.filter(choice => choice.hook === hook).map(({ device }) => device)
}

/** The attachment that a pinned link stands for. */
export function attachmentAt(hook: LaneHook, place: string): Attachment {
  if (hook === 'xdp') return { kind: 'xdp', hook, device: place }
  if (hook === 'tc-ingress') return { kind: 'tc', hook, device: place }
  return { kind: 'netfilter', hook, family: place === 'ipv6' ? 6 : 4 }
}

/** The devices that xdp and tc programs are attached to. */
export const devicesFor = ({ devices }: Settings): readonly string[] => devices ?? allDevices()
