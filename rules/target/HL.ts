import { defineTarget } from '../extension.ts'
import { withHops } from '../packet/change.ts'
import { type HopChange, hopOption, listHopChange } from '../value/hop-change.ts'

/** Changes the hop limit. */
export interface HlTarget extends HopChange {
  readonly kind: 'HL'
}

export const HL = defineTarget<HlTarget>()({
  name: 'HL',
  families: [6],
  tables: ['mangle'],
  options: {
    'hl-set': hopOption('set', ['hl-inc', 'hl-dec']),
    'hl-inc': hopOption('inc', ['hl-set', 'hl-dec']),
    'hl-dec': hopOption('dec', ['hl-set', 'hl-inc']),
  },
  requiresOneOf: ['hl-set', 'hl-inc', 'hl-dec'],
  verdict: 'continue',
  build(given) {
    const change = given['hl-set'] ?? given['hl-inc'] ?? given['hl-dec']
    return { kind: 'HL', ...(change?.value ?? { change: 'inc', hops: 0 }) }
  },
  apply: (target, packet) => withHops(packet, target),
  print: ({ change, hops }) => ` --hl-${change} ${hops}`,
  list: target => listHopChange('HL', target),
})
