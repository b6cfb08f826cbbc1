// Where iptables' own tables, or iptables-legacy 1.8.9 itself, say other than we do, and why.

export interface KnownDifference {
  /** Name of the file, as in CaseFile. */
  readonly file: string
  readonly rule: string
  /** What is printed instead; undefined where it is refused. */
  readonly instead: string | undefined
  readonly why: string
}

/** iptables' own tables (1.8.9) on the left, what this parser does under `instead`. */
export const differentFromUpstream: readonly KnownDifference[] = []

/** Our fixtures on the left, what iptables-legacy 1.8.9 does under `instead`. */
export const differentFromLegacy: readonly KnownDifference[] = []

/** Fixtures about extensions that a kernel may lack, and what they need. */
export const notInEveryKernel: Readonly<Record<string, string>> = {}
