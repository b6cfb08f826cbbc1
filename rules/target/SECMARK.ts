import { defineTarget } from '../extension.ts'
import { option } from '../option.ts'
import { parseName, printName } from '../value/name.ts'

/** Marks a packet for SELinux. */
export interface SecmarkTarget {
  readonly kind: 'SECMARK'
  readonly context: string
}

/** SECMARK_SECCTX_MAX. */
const CONTEXT_SIZE = 256

export const SECMARK = defineTarget<SecmarkTarget>()({
  name: 'SECMARK',
  tables: ['mangle', 'security'],
  options: { selctx: option(text => parseName(text, CONTEXT_SIZE, 'security context'), { required: true }) },
  verdict: 'continue',
  build: ({ selctx }) => ({ kind: 'SECMARK', context: selctx?.value ?? '' }),
  print: target => ` --selctx ${printName(target.context)}`,
  list: target => ` SECMARK selctx ${target.context}`,
})
