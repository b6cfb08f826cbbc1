import { defineTarget } from '../extension.ts'

/** Connection tracking leaves the packet alone. */
export interface NotrackTarget {
  readonly kind: 'NOTRACK'
}

export const NOTRACK = defineTarget<NotrackTarget>()({
  name: 'NOTRACK',
  // as which the kernel has it
  listedAs: 'CT',
  tables: ['raw'],
  options: {},
  verdict: 'continue',
  build: () => ({ kind: 'NOTRACK' }),
  /** Only what conntrack has not seen yet, and says nothing of. */
  apply: (_, packet) => (packet.conntrack ? packet : { ...packet, conntrack: { state: 'UNTRACKED' } }),
  print: () => '',
  list: () => ' NOTRACK',
})
