import { defineTarget } from '../extension.ts'
import {
  listTranslation,
  type PrefixTranslation,
  prefixOptions,
  printTranslation,
  readTranslation,
} from '../value/prefix-translation.ts'

/** Of the destination address. */
export interface DnptTarget extends PrefixTranslation {
  readonly kind: 'DNPT'
}

export const DNPT = defineTarget<DnptTarget>()({
  name: 'DNPT',
  families: [6],
  tables: ['mangle'],
  chains: ['PREROUTING', 'OUTPUT'],
  options: prefixOptions,
  build: given => ({ kind: 'DNPT', ...readTranslation(given) }),
  print: printTranslation,
  list: target => listTranslation('DNPT', target),
})
