import { createLines, type Lines, type LineTable } from '../../../../src/service/incremental/lines.ts'
import { everything } from '../../../../src/service/incremental/reach.ts'

/** A table of these lines; their slots are counted from 100. */
export function tableOf(texts: readonly string[]): LineTable {
  const text = Buffer.from(`\n${texts.map(line => `${line}\n`).join('')}`)
  const offsets = [1]
  for (const line of texts) offsets.push((offsets.at(-1) ?? 0) + Buffer.byteLength(line) + 1)
  const slots = texts.map((_, index) => 100 + index)
  const reaches = Uint32Array.from(texts.flatMap(() => [...everything(4)]))
  return { family: 4, text, offsets: Uint32Array.from(offsets), slots: Uint32Array.from(slots), reaches }
}

/** Those from `first` on, as those of a chain. */
export const linesOf = (texts: readonly string[], first = 0): Lines =>
  createLines(tableOf(texts), first, texts.length - first)
