import { defineTarget } from '../extension.ts'
import { withHops } from '../packet/change.ts'
import { type HopChange, hopOption, listHopChange } from '../value/hop-change.ts'

/** Changes the TTL. */
export interface TtlTarget extends HopChange {
  readonly kind: 'TTL'
}

export const TTL = defineTarget<TtlTarget>()({
  name: 'TTL',
  families: [4],
  tables: ['mangle'],
  options: {
    'ttl-set': hopOption('set', ['ttl-inc', 'ttl-dec']),
    'ttl-inc': hopOption('inc', ['ttl-set', 'ttl-dec']),
    'ttl-dec': hopOption('dec', ['ttl-set', 'ttl-inc']),
  },
  requiresOneOf: ['ttl-set', 'ttl-inc', 'ttl-dec'],
  verdict: 'continue',
  build(given) {
    const change = given['ttl-set'] ?? given['ttl-inc'] ?? given['ttl-dec']
    return { kind: 'TTL', ...(change?.value ?? { change: 'inc', hops: 0 }) }
  },
  apply: (target, packet) => withHops(packet, target),
  print: ({ change, hops }) => ` --ttl-${change} ${hops}`,
  list: target => listHopChange('TTL', target),
})
