import { defineTarget } from '../extension.ts'

export interface AcceptTarget {
  readonly kind: 'ACCEPT'
}

export interface DropTarget {
  readonly kind: 'DROP'
}

export interface ReturnTarget {
  readonly kind: 'RETURN'
}

const print = (): string => ''

export const ACCEPT = defineTarget<AcceptTarget>()({
  name: 'ACCEPT',
  options: {},
  verdict: 'accept',
  build: () => ({ kind: 'ACCEPT' }),
  print,
})
export const DROP = defineTarget<DropTarget>()({
  name: 'DROP',
  options: {},
  verdict: 'drop',
  build: () => ({ kind: 'DROP' }),
  print,
})
export const RETURN = defineTarget<ReturnTarget>()({
  name: 'RETURN',
  options: {},
  verdict: 'return',
  build: () => ({ kind: 'RETURN' }),
  print,
})
