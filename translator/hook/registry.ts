import type { Hook } from '../program.ts'
import type { HookFrame } from './hook.ts'
import { netfilterFrame } from './netfilter.ts'

export const hookFrames: { readonly [H in Hook]: HookFrame } = {
  xdp: netfilterFrame,
  'tc-ingress': netfilterFrame,
  'tc-egress': netfilterFrame,
  'nf-input': netfilterFrame,
  'nf-forward': netfilterFrame,
  'nf-output': netfilterFrame,
}
