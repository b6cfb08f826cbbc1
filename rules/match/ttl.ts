import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { maximum, parseNumber } from '../value/number.ts'

/** How the time to live of a packet must compare to a number. */
export interface TtlMatch {
  readonly kind: 'ttl'
  readonly comparison: 'eq' | 'ne' | 'lt' | 'gt'
  readonly value: number
}

const ttlOption = (excludes: readonly string[], traits: { negatable?: boolean; aliases?: string[] } = {}) =>
  option(text => parseNumber(text, 0, maximum(8), 'TTL'), { excludes, ...traits })

export const ttl = defineMatch<TtlMatch>()({
  name: 'ttl',
  families: [4],
  options: {
    'ttl-eq': ttlOption(['ttl-lt', 'ttl-gt'], { negatable: true, aliases: ['ttl'] }),
    'ttl-lt': ttlOption(['ttl-eq', 'ttl-gt']),
    'ttl-gt': ttlOption(['ttl-eq', 'ttl-lt']),
  },
  requiresOneOf: ['ttl-eq', 'ttl-lt', 'ttl-gt'],
  build(given) {
    const [eq, lt, gt] = [given['ttl-eq'], given['ttl-lt'], given['ttl-gt']]
    if (lt) return { kind: 'ttl', comparison: 'lt', value: lt.value }
    if (gt) return { kind: 'ttl', comparison: 'gt', value: gt.value }
    return { kind: 'ttl', comparison: eq?.negated ? 'ne' : 'eq', value: eq?.value ?? 0 }
  },
  print: ({ comparison, value }) =>
    comparison === 'ne' ? ` ! --ttl-eq ${value}` : ` --ttl-${comparison} ${value}`,
  evaluate({ comparison, value }, { bytes }) {
    const actual = bytes[8] ?? 0
    if (comparison === 'lt') return actual < value
    if (comparison === 'gt') return actual > value
    return (actual === value) === (comparison === 'eq')
  },
})
