// The tables of a rule file as stretches of text. What is left to the kernel's own iptables goes there as it was written, lines that
// are not meant for it blank, so that the lines its messages name are those of the file.

export interface Section {
  /** As written behind the `*`. */
  readonly table: string
  readonly start: number
  /** Behind COMMIT and its newline, or the end of the text. */
  readonly end: number
}

const BORDER = /^(?:\*(\S*).*|[ \t]*COMMIT[ \t]*\r?)$\n?/gm

/** The tables of a text in iptables-save form, in its order. */
export function sectionsOf(text: string): readonly Section[] {
  const sections: Section[] = []
  let open: Pick<Section, 'table' | 'start'> | undefined
  for (const { 0: line, 1: table, index } of text.matchAll(BORDER))
    if (!open) {
      if (table !== undefined) open = { table, start: index }
    } else if (table === undefined) {
      sections.push({ ...open, end: index + line.length })
      open = undefined
    }
  return open ? [...sections, { ...open, end: text.length }] : sections
}

/** The text with blank lines for all that is not in one of these tables. */
export function onlyTables(text: string, isWanted: (table: string) => boolean): string {
  let kept = ''
  let at = 0
  for (const { table, start, end } of sectionsOf(text)) {
    kept += blank(text.slice(at, start))
    kept += isWanted(table) ? text.slice(start, end) : blank(text.slice(start, end))
    at = end
  }
  return kept + blank(text.slice(at))
}

/** The text with blank lines for these tables; what stands outside of tables stays. */
export function withoutTables(text: string, isUnwanted: (table: string) => boolean): string {
  let kept = ''
  let at = 0
  for (const { table, start, end } of sectionsOf(text)) {
    kept += text.slice(at, start)
    kept += isUnwanted(table) ? blank(text.slice(start, end)) : text.slice(start, end)
    at = end
  }
  return kept + text.slice(at)
}

const blank = (text: string): string => text.replace(/[^\n]+/g, '')

/** Whether a table holds anything but the policies it is born with. */
export const holdsSomething = (section: string): boolean => /^(-A|\[\d|:\S+ (-|DROP)( |$))/m.test(section)
