import { defined } from '../defined.ts'
import { defineMatch, type ListContext, type MatchResult } from '../extension.ts'
import { option, pair } from '../option.ts'
import { headersOf, type Packet, transportHeader } from '../packet.ts'
import { agrees, asTerm, printTerm, showTerm, type Term } from '../term.ts'
import { type Chunks, chunkType, listChunkNumbers, parseChunks, printChunks } from '../value/chunk.ts'
import { isIn, type Range } from '../value/number.ts'
import { listPortTerm, parsePortRange, portTerm, printPortRange } from '../value/port.ts'
import { protocols } from '../value/protocol.ts'
import { parseWord } from '../value/word.ts'

export interface SctpMatch {
  readonly kind: 'sctp'
  readonly sourcePort?: Term<Range>
  readonly destinationPort?: Term<Range>
  readonly chunks?: Term<ChunkTest>
}

/** `any`: one of the packet's chunks is of these; `all`: each of these is there; `only`: no others are. */
export interface ChunkTest {
  readonly quantifier: (typeof QUANTIFIERS)[number]
  readonly chunks: Chunks
}

const QUANTIFIERS = ['any', 'all', 'only'] as const

export const sctp = defineMatch<SctpMatch>()({
  name: 'sctp',
  protocols: [protocols.sctp],
  options: {
    'source-port': option(parsePortRange, { aliases: ['sport'], negatable: true }),
    'destination-port': option(parsePortRange, { aliases: ['dport'], negatable: true }),
    'chunk-types': pair(
      (quantifier, chunks): ChunkTest => ({
        quantifier: parseWord(quantifier.toLowerCase(), QUANTIFIERS, 'way to match chunks'),
        chunks: parseChunks(chunks),
      }),
      { negatable: true },
    ),
  },
  build: given => ({
    kind: 'sctp',
    ...defined({
      sourcePort: asTerm(given['source-port']),
      destinationPort: asTerm(given['destination-port']),
      chunks: asTerm(given['chunk-types']),
    }),
  }),
  print: match =>
    printTerm('sport', match.sourcePort, printPortRange) +
    printTerm('dport', match.destinationPort, printPortRange) +
    printTerm('chunk-types', match.chunks, test => `${test.quantifier} ${printChunks(test.chunks)}`),
  list: (match, context) =>
    ' sctp' +
    listPortTerm('spt', portTerm(match.sourcePort), context) +
    listPortTerm('dpt', portTerm(match.destinationPort), context) +
    (match.chunks ? ` ${showTerm(match.chunks, test => listChunkTest(test, context), '! ')}` : ''),
  evaluate,
})

const listChunkTest = ({ quantifier, chunks }: ChunkTest, { numeric }: ListContext): string =>
  `${quantifier} ${numeric ? listChunkNumbers(chunks) : printChunks(chunks)}`

const HEADER_SIZE = 12

/** net/netfilter/xt_sctp.c. */
function evaluate(match: SctpMatch, packet: Packet): MatchResult {
  const { fragmentOffset, transport } = headersOf(packet)
  if (fragmentOffset !== 0) return false
  const header = transportHeader(packet, HEADER_SIZE)
  if (!header) return 'hotdrop'
  if (!agrees(match.sourcePort, range => isIn(header.getUint16(0), range))) return false
  if (!agrees(match.destinationPort, range => isIn(header.getUint16(2), range))) return false
  if (!match.chunks) return true
  const found = chunksMatch(match.chunks.value, packet, transport + HEADER_SIZE)
  if (typeof found === 'boolean') return found !== match.chunks.negated
  return match.chunks.negated ? 'counted hotdrop' : 'hotdrop'
}

/** Chunks follow one another, each padded to four bytes: 0 type | 1 flags | 2..3 length. A decision ends the walk before what is malformed behind. */
function chunksMatch({ quantifier, chunks }: ChunkTest, { bytes }: Packet, start: number): MatchResult {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const seen = new Set<number>()
  let at = start
  do {
    if (at + 4 > bytes.length || view.getUint16(at + 2) === 0) return 'hotdrop'
    const type = view.getUint8(at)
    const wanted = chunks === 'all' ? undefined : chunks.find(chunk => chunkType(chunk) === type)
    const fits = chunks === 'all' || (wanted && (view.getUint8(at + 1) & wanted.mask) === wanted.set)
    if (quantifier === 'any' && fits) return true
    if (quantifier === 'only' && !fits) return false
    if (fits) seen.add(type)
    at += (view.getUint16(at + 2) + 3) & ~3
  } while (at < bytes.length)
  if (quantifier !== 'all') return quantifier === 'only'
  // ALL asks for 2,048 types here, as many as the kernel's map has room for, and no packet has those
  return chunks !== 'all' && chunks.every(chunk => seen.has(chunkType(chunk)))
}
