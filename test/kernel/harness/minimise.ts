/** Lines that may be left out one by one; what else there is frames them. */
const isRule = (line: string): boolean => line.startsWith('-A ')

const userChain = /^:(\S+) - /

const isNamed = (chain: string, lines: readonly string[]): boolean =>
  lines.some(line => isRule(line) && line.split(' ').includes(chain))

/** Without the user chains that no rule stands in or names. */
const withoutUnused = (lines: readonly string[]): readonly string[] =>
  lines.filter(line => {
    const [, chain] = userChain.exec(line) ?? []
    return chain === undefined || isNamed(chain, lines)
  })

/**
 * Fewer rules of which `fails` still holds: leaves out half of them, then quarters, down to single ones, as long as there are attempts
 * left (after Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002). `rules` is iptables-save text of which it holds.
 */
export const minimise = async (
  rules: string,
  fails: (rules: string) => Promise<boolean>,
  attempts = 60,
): Promise<string> => {
  let lines: readonly string[] = rules.split('\n')
  let left = attempts
  const indexes = (): readonly number[] => lines.flatMap((line, index) => (isRule(line) ? [index] : []))
  for (let size = indexes().length >> 1; size > 0; size >>= 1) {
    for (let from = 0; from < indexes().length && left > 0; left--) {
      const dropped = new Set(indexes().slice(from, from + size))
      const fewer = lines.filter((_, index) => !dropped.has(index))
      if (await fails(fewer.join('\n'))) lines = fewer
      else from += size
    }
  }
  const text = withoutUnused(lines).join('\n')
  return text === rules || (await fails(text)) ? text : lines.join('\n')
}
