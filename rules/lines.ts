import type { Span } from './span.ts'

/** Lines joined at a time: few enough that the pieces they are made of are garbage before anything moves them. */
const BATCH = 256
const NEWLINE = 0x0a

/** Lines of a text. Those that stand in a source, one behind the other, are taken from there at once. */
export class Lines {
  readonly #batches: string[] = []
  #batch: string[] = []
  #taken: Span | undefined
  /** Of what is taken from the source. */
  #end = 0

  add(line: string): void {
    this.#take()
    if (this.#batch.push(line) === BATCH) this.#join()
  }

  addAll(lines: readonly string[] | undefined): void {
    if (lines) for (const line of lines) this.add(line)
  }

  /** A line as it stands in its source. */
  addSpan(span: Span): void {
    const { source, start, end } = span
    const isNext = this.#taken?.source === source && start === this.#end + 1
    if (!isNext || source.text.charCodeAt(this.#end) !== NEWLINE) {
      this.#take()
      this.#taken = span
    }
    this.#end = end
  }

  text(): string {
    this.#take()
    this.#join()
    return `${this.#batches.join('\n')}\n`
  }

  #take(): void {
    if (!this.#taken) return
    const { source, start } = this.#taken
    this.#taken = undefined
    if (this.#batch.push(source.text.slice(start, this.#end)) === BATCH) this.#join()
  }

  #join(): void {
    if (this.#batch.length > 0) this.#batches.push(this.#batch.join('\n'))
    this.#batch = []
  }
}
