import type { Term } from 'iptables-parser'
import { type FieldName, fieldOf } from '../field.ts'
import { type Step, setTerm } from '../test.ts'

export interface Masked {
  readonly value: number
  readonly mask: number
}

/** `(field & mask) == value`, or not, for a field of up to 32 bits: as an interval where the mask is a prefix, so that trees can cut along it. */
export function maskStep(field: FieldName, asked: Term<Masked> | undefined): Step[] {
  if (!asked) return []
  const { value, mask } = asked.value
  const { negated } = asked
  const always: Step[] = []
  const never: Step[] = [{ kind: 'never' }]
  // bits that the mask takes away are never there
  if ((value & ~mask) !== 0) return negated ? always : never
  if (mask === 0) return negated ? never : always
  const size = 2 ** fieldOf(field).bits(4) - mask
  // a prefix leaves a power of two
  if (Number.isInteger(Math.log2(size)))
    return [setTerm(field, 4, [{ low: value, end: value + size }], negated)]
  return [{ kind: 'mask', field, mask, value, negated }]
}
