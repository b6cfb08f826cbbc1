import type { SrhComparison, SrhMatch, Term } from 'iptables-parser'
import type { ExtensionPart } from '../extension-field.ts'
import { domain } from '../field.ts'
import { type Step, setTerm, setTest } from '../test.ts'
import { single } from '../tree/interval.ts'
import { answerTest } from './answer.ts'
import { headerThere } from './extension.ts'
import { valueStep } from './range.ts'
import type { MatchTranslator } from './translate.ts'

const SEGMENT_ROUTING = 4

/** A header that does not fit, or of another type, is none and drops nothing. */
export const srh: MatchTranslator<SrhMatch> = match => [
  ...headerThere('routing'),
  setTest('routing-type', single(SEGMENT_ROUTING)),
  setTest('segments-beyond', single(0)),
  ...valueStep('routing-next', match.nextHeader),
  ...comparisonStep('routing-length', match.headerLength, bytesOf),
  ...comparisonStep('segments-left', match.segmentsLeft, count => count),
  ...comparisonStep('last-entry', match.lastEntry, entry => entry),
  ...valueStep('segment-tag', match.tag),
  ...segmentStep('previous', match.previousSegment),
  ...segmentStep('next', match.nextSegment),
  ...segmentStep('last', match.lastSegment),
]

function segmentStep(which: 'previous' | 'next' | 'last', asked: SrhMatch['lastSegment']): Step[] {
  if (!asked) return []
  const { address, length } = asked.value
  const mask = ((1n << BigInt(length)) - 1n) << BigInt(128 - length)
  return [
    answerTest({
      kind: 'segment',
      which,
      address: String(address & mask),
      mask: String(mask),
      negated: asked.negated,
    }),
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
