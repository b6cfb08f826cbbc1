// The little Markdown that the document is made of.

export const code = (text: string): string => `\`${text}\``

/** A table; nothing at all where there are no rows. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  if (rows.length === 0) return ''
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map(cell => `${cell}`.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n')
}

/** Parts that are not empty, with a blank line between them. */
export const paragraphs = (...parts: readonly string[]): string =>
  `${parts
    .filter(part => part !== '')
    .map(part => part.trimEnd())
    .join('\n\n')}\n`

/** Items and how often each occurs, the most frequent first. */
export function tally<T>(items: readonly T[]): readonly (readonly [item: T, count: number])[] {
  const counts = new Map<T, number>()
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)
}
