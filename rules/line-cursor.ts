import type { Source, Span } from './span.ts'

const [DIGIT_0, DIGIT_9] = [0x30, 0x39]

/** Goes along lines of a source. At what is not expected it goes behind the end of the text, where nothing is expected, and so never gets to the end of the line. */
export class LineCursor {
  readonly source: Source
  readonly text: string
  at = 0
  /** Of the line. */
  end = 0
  /** Whether all that was read of the line is spelled as it is printed. */
  printed = true

  constructor(source: Source) {
    this.source = source
    this.text = source.text
  }

  /** Whether some words, which have a blank before them, come next; goes behind them. */
  takes(words: string): boolean {
    if (!this.text.startsWith(words, this.at)) return false
    this.at += words.length
    return true
  }

  /** Of a short option that comes next, behind its blank and dash. */
  letter(): number {
    return this.text.charCodeAt(this.at + 2)
  }

  skips(code: number): boolean {
    if (this.text.charCodeAt(this.at) !== code) return false
    this.at++
    return true
  }

  /** Whether a pattern that is sticky comes next; goes behind it. */
  takesPattern(pattern: RegExp): boolean {
    pattern.lastIndex = this.at
    if (!pattern.test(this.text)) return false
    this.at = pattern.lastIndex
    return true
  }

  fail(): undefined {
    this.at = this.text.length + 1
  }

  spanFrom(start: number): Span {
    return { source: this.source, start, end: this.at }
  }

  /** What comes next, up to a blank or the end of the line. */
  word(): string {
    const blank = this.text.indexOf(' ', this.at)
    const end = blank < 0 || blank > this.end ? this.end : blank
    const word = this.text.slice(this.at, end)
    this.at = end
    return word
  }

  /** A decimal number without zeros before it, up to `most`; else NaN. */
  number(most: number): number {
    const { text, at: start } = this
    let at = start
    let value = 0
    let code = text.charCodeAt(at)
    while (code >= DIGIT_0 && code <= DIGIT_9 && value <= most) {
      value = value * 10 + code - DIGIT_0
      code = text.charCodeAt(++at)
    }
    this.at = at
    const digits = at - start
    const isPrinted = digits === 1 || (digits > 1 && text.charCodeAt(start) !== DIGIT_0)
    return isPrinted && value <= most ? value : Number.NaN
  }
}
