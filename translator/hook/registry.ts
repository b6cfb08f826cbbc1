import type { Lane } from '../lane.ts'
import type { Hook } from '../program.ts'
import type { HookFrame } from './hook.ts'
import { leftoverFrame, netfilterFrame } from './netfilter.ts'
import { tcFrame } from './tc.ts'
import { xdpFrame } from './xdp.ts'

const hookFrames: { readonly [H in Exclude<Hook, 'tc-egress'>]: HookFrame } = {
  xdp: xdpFrame,
  'tc-ingress': tcFrame,
  'nf-input': netfilterFrame,
  'nf-forward': netfilterFrame,
  'nf-output': netfilterFrame,
}

export function frameOf(lane: Lane): HookFrame {
  if (lane.leftovers) return leftoverFrame
  const frame = hookFrames[lane.hook]
  return lane.standalone ? { ...frame, maps: [] } : frame
}
