import { defineTarget } from '../extension.ts'
import { flag } from '../option.ts'

/** Fills in the checksum that the sender left to its device. */
export interface ChecksumTarget {
  readonly kind: 'CHECKSUM'
}

export const CHECKSUM = defineTarget<ChecksumTarget>()({
  name: 'CHECKSUM',
  tables: ['mangle'],
  options: { 'checksum-fill': flag({ required: true }) },
  verdict: 'continue',
  build: () => ({ kind: 'CHECKSUM' }),
  print: () => ' --checksum-fill',
  list: () => ' CHECKSUM fill',
})
