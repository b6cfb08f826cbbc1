import { defineTarget } from '../extension.ts'

/** Leaves the verdict to the program that listens on queue 0. */
export interface QueueTarget {
  readonly kind: 'QUEUE'
}

export const QUEUE = defineTarget<QueueTarget>()({
  name: 'QUEUE',
  options: {},
  build: () => ({ kind: 'QUEUE' }),
  print: () => '',
})
