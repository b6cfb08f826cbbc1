import { defineTarget } from '../extension.ts'

/** The kernel reports every rule the packet matches from here on. */
export interface TraceTarget {
  readonly kind: 'TRACE'
}

export const TRACE = defineTarget<TraceTarget>()({
  name: 'TRACE',
  tables: ['raw'],
  options: {},
  verdict: 'continue',
  build: () => ({ kind: 'TRACE' }),
  print: () => '',
})
