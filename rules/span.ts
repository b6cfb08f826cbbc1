/** A named text that rules were read from. */
export interface Source {
  /** A file name, or `-` for standard input. */
  readonly name: string
  readonly text: string
  /** Line number of the first line of `text`; 1 unless the text is an excerpt. */
  readonly firstLine?: number
}

/** A stretch of a source: UTF-16 code units, `end` exclusive. */
export interface Span {
  readonly source: Source
  readonly start: number
  readonly end: number
}

/** Something that may know where it was written. */
export interface Located {
  readonly span?: Span
}

/** Line and column, both counted from 1; a column is one UTF-16 code unit. */
export interface Position {
  readonly line: number
  readonly column: number
}

export function position({ source, start }: Span): Position {
  let line = source.firstLine ?? 1
  let lineStart = 0
  for (let at = source.text.indexOf('\n'); at >= 0 && at < start; at = source.text.indexOf('\n', lineStart)) {
    line++
    lineStart = at + 1
  }
  return { line, column: start - lineStart + 1 }
}

/** The whole line that a span begins in, without its line end. */
export function lineOf({ source: { text }, start }: Span): string {
  const from = start === 0 ? 0 : text.lastIndexOf('\n', start - 1) + 1
  const to = text.indexOf('\n', from)
  return text.slice(from, to < 0 ? text.length : to).replace(/\r$/, '')
}

export const join = (a: Span, b: Span): Span => ({
  source: a.source,
  start: Math.min(a.start, b.start),
  end: Math.max(a.end, b.end),
})
