import { defineTarget } from '../extension.ts'
import { flag } from '../option.ts'

export interface ConnsecmarkTarget {
  readonly kind: 'CONNSECMARK'
  /** `save`: the packet's security mark becomes the connection's; `restore`: the other way. */
  readonly operation: 'save' | 'restore'
}

export const CONNSECMARK = defineTarget<ConnsecmarkTarget>()({
  name: 'CONNSECMARK',
  tables: ['mangle', 'security'],
  options: { save: flag({ excludes: ['restore'] }), restore: flag({ excludes: ['save'] }) },
  requiresOneOf: ['save', 'restore'],
  verdict: 'continue',
  build: ({ save }) => ({ kind: 'CONNSECMARK', operation: save ? 'save' : 'restore' }),
  print: target => ` --${target.operation}`,
  list: target => ` CONNSECMARK ${target.operation}`,
})
