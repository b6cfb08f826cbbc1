import { RuleError } from '../error.ts'

/** SCTP chunk types by name (IANA's registry). */
const TYPES = {
  DATA: 0,
  INIT: 1,
  INIT_ACK: 2,
  SACK: 3,
  HEARTBEAT: 4,
  HEARTBEAT_ACK: 5,
  ABORT: 6,
  SHUTDOWN: 7,
  SHUTDOWN_ACK: 8,
  ERROR: 9,
  COOKIE_ECHO: 10,
  COOKIE_ACK: 11,
  ECN_ECNE: 12,
  ECN_CWR: 13,
  SHUTDOWN_COMPLETE: 14,
  I_DATA: 64,
  ASCONF_ACK: 128,
  RE_CONFIG: 130,
  PAD: 132,
  FORWARD_TSN: 192,
  ASCONF: 193,
  I_FORWARD_TSN: 194,
} as const
export type ChunkName = keyof typeof TYPES
const NAMES = Object.keys(TYPES) as ChunkName[]

/** A letter for each flag of a chunk, the highest first; in a rule a capital asks for it, a small one for its absence. */
const FLAGS: Readonly<Partial<Record<ChunkName, readonly (readonly [letter: string, bit: number])[]>>> = {
  DATA: [
    ['I', 8],
    ['U', 4],
    ['B', 2],
    ['E', 1],
  ],
  ABORT: [['T', 1]],
  SHUTDOWN_COMPLETE: [['T', 1]],
}

/** A kind of chunk, of whose flags those in `mask` must be as in `set`. */
export interface Chunk {
  readonly name: ChunkName
  readonly mask: number
  readonly set: number
}

/** `all` stands for every type there could be. */
export type Chunks = readonly Chunk[] | 'all'

/** A list such as `INIT,DATA:Be`, or ALL or NONE. The result is in the order of the types. */
export function parseChunks(text: string): Chunks {
  if (text.toUpperCase() === 'ALL') return 'all'
  if (text.toUpperCase() === 'NONE') return []
  const found = new Map<ChunkName, Chunk>()
  for (const word of text.split(',').filter(one => one !== '')) {
    const chunk = parseChunk(word)
    const before = found.get(chunk.name)
    found.set(chunk.name, {
      name: chunk.name,
      mask: chunk.mask | (before?.mask ?? 0),
      set: chunk.set | (before?.set ?? 0),
    })
  }
  return NAMES.flatMap(name => found.get(name) ?? [])
}

/** A flag asked for both ways is asked for. */
function parseChunk(word: string): Chunk {
  const [given = '', letters = ''] = word.split(':', 2)
  const name = NAMES.find(known => known === given.toUpperCase())
  if (!name)
    throw new RuleError('ERR_VALUE', `"${given}" is not an SCTP chunk`, {
      hint: `chunks are ${NAMES.join(', ')}, or ALL or NONE`,
    })
  const known = FLAGS[name] ?? []
  const bits = [...letters].map(letter => {
    const [, bit] = known.find(([one]) => one === letter.toUpperCase()) ?? []
    if (bit !== undefined) return { bit, on: letter === letter.toUpperCase() }
    const hint = known.length === 0 ? 'it has none' : `it has ${known.map(([one]) => one).join(', ')}`
    throw new RuleError('ERR_VALUE', `"${letter}" is not a flag of ${name}`, { hint })
  })
  const sum = (chosen: typeof bits): number => chosen.reduce((total, { bit }) => total | bit, 0)
  return { name, mask: sum(bits), set: sum(bits.filter(({ on }) => on)) }
}

export function printChunks(chunks: Chunks): string {
  if (chunks === 'all') return 'ALL'
  return chunks.length === 0 ? 'NONE' : chunks.map(chunk => printChunk(chunk)).join(',')
}

/** With numbers for the names. */
export const listChunkNumbers = (chunks: Chunks): string =>
  chunks === 'all' || chunks.length === 0
    ? printChunks(chunks)
    : chunks.map(chunk => printChunk(chunk, chunkNumber(chunk))).join(',')

const chunkNumber = (chunk: Chunk): string =>
  `0x${chunkType(chunk).toString(16).toUpperCase().padStart(4, '0')}`

function printChunk({ name, mask, set }: Chunk, shown: string = name): string {
  const letters = (FLAGS[name] ?? [])
    .filter(([, bit]) => (mask & bit) !== 0)
    .map(([letter, bit]) => ((set & bit) === 0 ? letter.toLowerCase() : letter))
  return letters.length === 0 ? shown : `${shown}:${letters.join('')}`
}

export const chunkType = (chunk: Chunk): number => TYPES[chunk.name]
