// How a difference between a table of rules and what becomes of it is written down.

export interface KnownDifference {
  /** Name of the file, as in CaseFile. */
  readonly file: string
  readonly rule: string
  /** What is printed instead; undefined where it is refused. */
  readonly instead: string | undefined
  readonly why: string
}

/** Rules of a file, and what is printed for each instead: `=` where it is as typed, undefined where it is refused. */
type Instead = Readonly<Record<string, Readonly<Record<string, string | undefined>>>>

export const because = (why: string, files: Instead): readonly KnownDifference[] =>
  Object.entries(files).flatMap(([file, rules]) =>
    Object.entries(rules).map(([rule, instead]) => ({
      file,
      rule,
      instead: instead === '=' ? rule : instead,
      why,
    })),
  )
