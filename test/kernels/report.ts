// What the guest tells the host over the serial line, one JSON document a line, among whatever the kernel prints.

export type Report =
  | { readonly kind: 'kernel'; readonly release: string }
  | { readonly kind: 'passed'; readonly title: string; readonly seconds: number; readonly note?: string }
  | { readonly kind: 'failed'; readonly title: string; readonly reason: string }
  /** The guest has come to its end. Without it, what came before does not count. */
  | { readonly kind: 'done' }

const MARK = '@bpftables '

export const writeReport = (report: Report): string => `${MARK}${JSON.stringify(report)}\n`

/** The report in a line; undefined where it is the kernel's own. A line may begin with what the kernel left unfinished. */
export const readReport = (line: string): Report | undefined => {
  const at = line.indexOf(MARK)
  return at < 0 ? undefined : JSON.parse(line.slice(at + MARK.length))
}
