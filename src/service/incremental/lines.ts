// The rules of a chain as text, while edits are made: runs of lines of the index, with lines that were put in between.

import type { Family } from 'iptables-parser'
import { everything, meeting, type Reach, reachSize } from './reach.ts'

/** The rules of a family as an index holds them. */
export interface LineTable {
  readonly family: Family
  /** One rule a line, as iptables-save prints it without `-A CHAIN`, chain after chain; a newline in front and behind each. */
  readonly text: Uint8Array
  /** Where the line of each rule begins, and behind them where the text ends. */
  readonly offsets: Uint32Array
  /** The counter slot of each rule. */
  readonly slots: Uint32Array
  /** What each rule may be about (reach.ts). */
  readonly reaches: Uint32Array
}

/** Lines of the table, or one that is in no table. */
export type Piece =
  | { readonly kind: 'table'; readonly from: number; readonly count: number }
  | { readonly kind: 'line'; readonly text: string; readonly slot: number; readonly count: 1 }

/** Is given a rule's number, its slot, and where its text stands in bytes. */
export type VisitLine = (number: number, slot: number, bytes: Uint8Array, from: number, end: number) => void

/** Rules are numbered from 1. */
export interface Lines {
  readonly count: number
  insert(number: number, text: string, slot: number): void
  remove(number: number): void
  textOf(number: number): string
  slotOf(number: number): number
  /** Goes through the rules from one to another. */
  visit(first: number, last: number, each: VisitLine): void
  /** The numbers of the first rules with this text, at most so many. */
  find(text: string, most: number): readonly number[]
  /** And of those whose text begins so. */
  beginning(start: string, most: number): readonly number[]
  /** The lines that hold a text of ASCII. */
  holding(text: string): Iterable<string>
  /** The slots of the rules from one to another. */
  slots(first: number, last: number): Uint32Array
  /** The numbers of the first rules from one to another, at most so many, that can have packets in common with one of this reach. */
  meeting(first: number, last: number, other: Reach, most?: number): readonly number[]
  /** The number of the rule that counts in a slot. */
  numberOf(slot: number): number | undefined
  pieces(): readonly Piece[]
}

/** Lines with a newline behind each. */
interface Stretch {
  readonly text: Uint8Array
  /** Where each begins, by the first of them. */
  readonly starts: Uint32Array
  readonly slots: Uint32Array
  readonly reaches: Uint32Array
}

/** The lines of a chain of which none was edited. */
export const tablePiece = (from: number, count: number): Piece => ({ kind: 'table', from, count })

export function createLines(table: LineTable, first: number, count: number): Lines {
  const buffer = Buffer.from(table.text.buffer, table.text.byteOffset, table.text.byteLength)
  const pieces: Piece[] = count > 0 ? [tablePiece(first, count)] : []
  let total = count

  /** The piece a rule lies in, and how many of its lines lie before. */
  function locate(number: number): { at: number; piece: Piece; skipped: number } {
    let before = number - 1
    for (const [at, piece] of pieces.entries()) {
      if (before < piece.count) return { at, piece, skipped: before }
      before -= piece.count
    }
    throw new RangeError(`there is no rule ${number} among ${total}`)
  }

  /** Puts pieces in the place of `gone` rules from one on. */
  function splice(number: number, gone: 0 | 1, put: readonly Piece[]): void {
    total += put.length - gone
    if (number - 1 === total - put.length + gone) {
      pieces.push(...put)
      return
    }
    const { at, piece, skipped } = locate(number)
    pieces.splice(at, 1, ...part(piece, 0, skipped), ...put, ...part(piece, skipped + gone, piece.count))
  }

  function* numbered(): Generator<readonly [number, Piece]> {
    let number = 1
    for (const piece of pieces) {
      yield [number, piece]
      number += piece.count
    }
  }

  /** The numbers of rules whose lines, newlines included, begin so. */
  function beginning(start: string, most: number): readonly number[] {
    const found: number[] = []
    const wanted = Buffer.from(`\n${start}`)
    for (const [number, piece] of numbered()) {
      if (piece.kind === 'table')
        for (const line of occurrences(table, buffer, piece, wanted)) {
          found.push(number + line - piece.from)
          if (found.length >= most) return found
        }
      else if (`${piece.text}\n`.startsWith(start)) found.push(number)
      if (found.length >= most) return found
    }
    return found
  }

  return {
    get count() {
      return total
    },
    insert: (number, text, slot) => splice(number, 0, [{ kind: 'line', text, slot, count: 1 }]),
    remove: number => splice(number, 1, []),
    textOf(number) {
      const { piece, skipped } = locate(number)
      return piece.kind === 'line' ? piece.text : lineAt(table, buffer, piece.from + skipped)
    },
    slotOf(number) {
      const { piece, skipped } = locate(number)
      return piece.kind === 'line' ? piece.slot : (table.slots[piece.from + skipped] ?? Number.NaN)
    },
    visit(first, last, each) {
      for (const [number, piece] of numbered()) visitPiece(table, piece, number, { first, last }, each)
    },
    find: (text, most) => beginning(`${text}\n`, most),
    beginning,
    *holding(text) {
      for (const [, piece] of numbered())
        if (piece.kind === 'table')
          for (const line of linesWith(table, buffer, piece, text)) yield lineAt(table, buffer, line)
        else if (piece.text.includes(text)) yield piece.text
    },
    slots(first, last) {
      const found = new Uint32Array(Math.max(0, last - first + 1))
      for (const [number, piece] of numbered()) {
        const [from, to] = [Math.max(first, number), Math.min(last, number + piece.count - 1)]
        if (from > to) continue
        const by = piece.kind === 'line' ? 0 : piece.from - number
        const own = piece.kind === 'line' ? [piece.slot] : table.slots.subarray(from + by, to + by + 1)
        found.set(own, from - first)
      }
      return found
    },
    meeting(first, last, other, most = Number.POSITIVE_INFINITY) {
      const found: number[] = []
      for (const [number, piece] of numbered()) {
        const [from, to] = [Math.max(first, number), Math.min(last, number + piece.count - 1)]
        if (from > to) continue
        if (found.length >= most) break
        // of a rule that is in no table it is not known
        if (piece.kind === 'line') found.push(number)
        else {
          const by = piece.from - number
          const among = { from: from + by, end: to + by + 1, most: most - found.length }
          for (const line of meeting(table.reaches, among, other, table.family)) found.push(line - by)
        }
      }
      return found
    },
    numberOf(slot) {
      for (const [number, piece] of numbered()) {
        if (piece.kind === 'line' && piece.slot === slot) return number
        if (piece.kind === 'line') continue
        const at = table.slots.subarray(piece.from, piece.from + piece.count).indexOf(slot)
        if (at >= 0) return number + at
      }
      return undefined
    },
    pieces: () => pieces,
  }
}

/** Goes through those of a piece, whose first line is that of a number. */
function visitPiece(
  { text, offsets, slots }: LineTable,
  piece: Piece,
  number: number,
  { first, last }: { readonly first: number; readonly last: number },
  each: VisitLine,
): void {
  const end = Math.min(last, number + piece.count - 1)
  if (piece.kind === 'line') {
    const bytes = Buffer.from(piece.text)
    if (first <= number && number <= end) each(number, piece.slot, bytes, 0, bytes.length)
    return
  }
  for (let at = Math.max(first, number); at <= end; at++) {
    const line = piece.from + at - number
    each(at, slots[line] ?? 0, text, offsets[line] ?? 0, (offsets[line + 1] ?? 0) - 1)
  }
}

/** Adds lines of a table to pieces, to the last of them where they come next. */
export function addLines(pieces: Piece[], from: number, count: number): void {
  const last = pieces.at(-1)
  if (last?.kind === 'table' && last.from + last.count === from)
    pieces[pieces.length - 1] = tablePiece(last.from, last.count + count)
  else if (count > 0) pieces.push(tablePiece(from, count))
}

/** Pieces of a table as one. */
export function joinPieces(table: LineTable, pieces: readonly Piece[]): Omit<LineTable, 'family'> {
  const joined: Piece[] = []
  for (const piece of pieces)
    if (piece.kind === 'table') addLines(joined, piece.from, piece.count)
    else joined.push(piece)
  return joinStretches(joined.map(piece => stretchOf(table, piece)))
}

function stretchOf({ family, text, offsets, slots, reaches }: LineTable, piece: Piece): Stretch {
  if (piece.kind === 'line') {
    const text = Buffer.from(`${piece.text}\n`)
    return {
      text,
      starts: Uint32Array.of(0),
      slots: Uint32Array.of(piece.slot),
      reaches: everything(family),
    }
  }
  const { from, count } = piece
  const begin = offsets[from] ?? 0
  return {
    text: text.subarray(begin, offsets[from + count]),
    starts: offsets.subarray(from, from + count),
    slots: slots.subarray(from, from + count),
    reaches: reaches.subarray(reachSize(family) * from, reachSize(family) * (from + count)),
  }
}

function joinStretches(stretches: readonly Stretch[]): Omit<LineTable, 'family'> {
  let next = 1
  const starts = stretches.map(({ text, starts }) => {
    const begin = next
    next += text.length
    return moved(starts, begin - (starts[0] ?? 0))
  })
  return {
    text: Buffer.concat([Buffer.from('\n'), ...stretches.map(({ text }) => text)]),
    offsets: joined([...starts, Uint32Array.of(next)]),
    slots: joined(stretches.map(({ slots }) => slots)),
    reaches: joined(stretches.map(({ reaches }) => reaches)),
  }
}

/** A loop, since V8 has not optimized a function yet that is called ten thousand times. */
function moved(offsets: Uint32Array, by: number): Uint32Array {
  if (by === 0) return offsets
  const all = offsets.slice()
  for (let at = 0; at < all.length; at++) all[at] = (all[at] ?? 0) + by
  return all
}

function joined(columns: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(columns.reduce((sum, { length }) => sum + length, 0))
  let next = 0
  for (const column of columns) {
    all.set(column, next)
    next += column.length
  }
  return all
}

function part(piece: Piece, from: number, to: number): Piece[] {
  if (from >= to) return []
  return piece.kind === 'line' ? [piece] : [{ kind: 'table', from: piece.from + from, count: to - from }]
}

const lineAt = ({ offsets }: LineTable, buffer: Buffer, line: number): string =>
  buffer.toString('utf8', offsets[line] ?? 0, (offsets[line + 1] ?? 0) - 1)

/** The lines of a piece that begin with these bytes, of which the first is the newline in front of the line. */
function* occurrences(
  { offsets }: LineTable,
  buffer: Buffer,
  { from, count }: Extract<Piece, { kind: 'table' }>,
  wanted: Buffer,
): Generator<number> {
  const end = offsets[from + count] ?? 0
  let start = (offsets[from] ?? 0) - 1
  for (;;) {
    const at = buffer.subarray(start, end).indexOf(wanted)
    if (at < 0) return
    const line = lineBeginningAt(offsets, start + at + 1)
    if (offsets[line] === start + at + 1) yield line
    start += at + 1
  }
}

/** The lines of a table that end so. */
export function linesEnding(
  table: LineTable,
  ending: string,
): { readonly line: number; readonly text: string }[] {
  const { text, offsets } = table
  const buffer = Buffer.from(text.buffer, text.byteOffset, text.byteLength)
  const wanted = Buffer.from(`${ending}\n`)
  const found: { readonly line: number; readonly text: string }[] = []
  for (let at = buffer.indexOf(wanted); at >= 0; at = buffer.indexOf(wanted, at + 1)) {
    const line = lineBeginningAt(offsets, at + wanted.length) - 1
    found.push({ line, text: lineAt(table, buffer, line) })
  }
  return found
}

/** The lines of a piece that hold a text, each once. */
function* linesWith(
  { offsets }: LineTable,
  buffer: Buffer,
  { from, count }: Extract<Piece, { kind: 'table' }>,
  text: string,
): Generator<number> {
  const end = offsets[from + count] ?? 0
  for (let start = offsets[from] ?? 0; start < end; ) {
    const at = buffer.subarray(start, end).indexOf(text)
    if (at < 0) return
    // the line behind the one that holds it
    const next = lineBeginningAt(offsets, start + at + 1)
    yield next - 1
    start = offsets[next] ?? end
  }
}

function lineBeginningAt(offsets: Uint32Array, position: number): number {
  let [low, high] = [0, offsets.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((offsets[middle] ?? 0) < position) low = middle + 1
    else high = middle
  }
  return low
}
