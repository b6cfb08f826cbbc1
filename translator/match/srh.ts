import type { SrhComparison, SrhMatch, Term } from 'iptables-parser'
import type { ExtensionPart } from '../extension-field.ts'
import { domain } from '../field.ts'
import { type Step, setTerm, setTest } from '../test.ts'
import { single } from '../tree/interval.ts'
import { headerThere } from './extension.ts'
import { valueStep } from './range.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'

const SEGMENT_ROUTING = 4

/** A header that does not fit, or of another type, is none and drops nothing. */
export const srh: MatchTranslator<SrhMatch> = match => {
  if (match.previousSegment || match.nextSegment || match.lastSegment)
    throw new Untranslatable('the segments in a segment routing header are not translated')
  return [
    ...headerThere('routing'),
    setTest('routing-type', single(SEGMENT_ROUTING)),
    setTest('segments-beyond', single(0)),
    ...valueStep('routing-next', match.nextHeader),
    ...comparisonStep('routing-length', match.headerLength, bytesOf),
    ...comparisonStep('segments-left', match.segmentsLeft, count => count),
    ...comparisonStep('last-entry', match.lastEntry, entry => entry),
    ...valueStep('segment-tag', match.tag),
  ]
}

/** Of a header whose length counts in 8 bytes, without the first 8. */
const bytesOf = (length: number): number => (length + 1) * 8

function comparisonStep(
  field: ExtensionPart,
  asked: Term<SrhComparison> | undefined,
  fieldValue: (asked: number) => number,
): Step[] {
  if (!asked) return []
  const value = fieldValue(asked.value.value)
  const end = Number(domain(field, 6).end)
  const sets = {
    eq: single(value),
    gt: value + 1 < end ? [{ low: value + 1, end }] : [],
    lt: value > 0 ? [{ low: 0, end: value }] : [],
  }
  return [setTerm(field, 6, sets[asked.value.operator], asked.negated)]
}
