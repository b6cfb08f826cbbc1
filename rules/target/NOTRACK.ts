import { defineTarget } from '../extension.ts'

/** Connection tracking leaves the packet alone. */
export interface NotrackTarget {
  readonly kind: 'NOTRACK'
}

export const NOTRACK = defineTarget<NotrackTarget>()({
  name: 'NOTRACK',
  tables: ['raw'],
  options: {},
  build: () => ({ kind: 'NOTRACK' }),
  print: () => '',
})
