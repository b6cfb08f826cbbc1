/** The lines of `iptables-save` text that say something: comments and blank lines left out. */
export const linesOf = (text: string): readonly string[] =>
  text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))

/** A line in which two texts differ; undefined where one is shorter. */
export interface Difference {
  /** From 1. */
  readonly line: number
  readonly expected: string | undefined
  readonly actual: string | undefined
}

/** Line by line, in order: a rule that moved is a difference too. */
export const compare = (expected: readonly string[], actual: readonly string[]): readonly Difference[] =>
  Array.from({ length: Math.max(expected.length, actual.length) }, (_, index) => ({
    line: index + 1,
    expected: expected[index],
    actual: actual[index],
  })).filter(difference => difference.expected !== difference.actual)

/** As a diff prints them: `-` is what was expected, `+` what came. */
export const formatDifferences = (differences: readonly Difference[]): string =>
  differences
    .flatMap(({ line, expected, actual }) => [
      ...(expected === undefined ? [] : [`${line} - ${expected}`]),
      ...(actual === undefined ? [] : [`${line} + ${actual}`]),
    ])
    .join('\n')
