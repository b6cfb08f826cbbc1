import { defineTarget } from '../extension.ts'
import {
  listTranslation,
  type PrefixTranslation,
  prefixOptions,
  printTranslation,
  readTranslation,
} from '../value/prefix-translation.ts'

/** Of the source address. */
export interface SnptTarget extends PrefixTranslation {
  readonly kind: 'SNPT'
}

export const SNPT = defineTarget<SnptTarget>()({
  name: 'SNPT',
  families: [6],
  tables: ['mangle'],
  chains: ['INPUT', 'POSTROUTING'],
  options: prefixOptions,
  build: given => ({ kind: 'SNPT', ...readTranslation(given) }),
  print: printTranslation,
  list: target => listTranslation('SNPT', target),
})
