import { chunkType, type SctpMatch } from 'iptables-parser'
import type { Step } from '../test.ts'
import { listSteps } from './answer.ts'
import { rangeStep } from './range.ts'
import type { MatchTranslator } from './translate.ts'
import { wholeHeader } from './transport.ts'

export const sctp: MatchTranslator<SctpMatch> = ({ sourcePort, destinationPort, chunks }) => [
  ...wholeHeader,
  ...rangeStep('sport', sourcePort),
  ...rangeStep('dport', destinationPort),
  ...(chunks ? chunkSteps(chunks) : []),
]

type ChunkTerm = NonNullable<SctpMatch['chunks']>

function chunkSteps({ value: { quantifier, chunks }, negated }: ChunkTerm): readonly Step[] {
  if (chunks === 'all') return listSteps({ kind: 'chunks', quantifier }, negated)
  const wanted = chunks.map(chunk => ({ type: chunkType(chunk), mask: chunk.mask, set: chunk.set }))
  return listSteps({ kind: 'chunks', quantifier, chunks: wanted }, negated)
}
