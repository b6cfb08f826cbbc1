import type { Lane } from '../lane.ts'
import type { Hook, NetfilterHook } from '../program.ts'
import type { HookFrame } from './hook.ts'
import { leftoverFrame, netfilterFrame } from './netfilter.ts'
import { isNetfilterHook } from './place.ts'
import { tcEarlyFrame, tcFrame } from './tc.ts'
import { xdpEarlyFrame, xdpFrame } from './xdp.ts'

const hookFrames: { readonly [H in Exclude<Hook, 'tc-egress' | NetfilterHook>]: HookFrame } = {
  xdp: xdpFrame,
  'tc-ingress': tcFrame,
}

export function frameOf(lane: Lane): HookFrame {
  if (lane.leftovers) return leftoverFrame
  if (lane.early) return lane.hook === 'xdp' ? xdpEarlyFrame(lane.conntrack) : tcEarlyFrame(lane.conntrack)
  if (isNetfilterHook(lane.hook)) return netfilterFrame
  const frame = hookFrames[lane.hook]
  return lane.standalone ? { ...frame, maps: [] } : frame
}
