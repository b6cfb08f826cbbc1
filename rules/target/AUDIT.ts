import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import { option } from '../option.ts'

const TYPES = ['accept', 'drop', 'reject'] as const

/** What the audit record says became of the packet. */
export type AuditType = (typeof TYPES)[number]

export interface AuditTarget {
  readonly kind: 'AUDIT'
  readonly type: AuditType
}

function parseType(text: string): AuditType {
  const type = TYPES.find(one => one === text.toLowerCase())
  if (!type)
    throw new RuleError('ERR_VALUE', `"${text}" is not an audit type`, {
      hint: `types are ${TYPES.join(', ')}`,
    })
  return type
}

export const AUDIT = defineTarget<AuditTarget>()({
  name: 'AUDIT',
  options: { type: option(parseType, { required: true }) },
  verdict: 'continue',
  build: ({ type }) => ({ kind: 'AUDIT', type: type?.value ?? 'accept' }),
  print: target => ` --type ${target.type}`,
  list: target => ` AUDIT ${target.type}`,
})
