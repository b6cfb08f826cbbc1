// Reading the verifier's log. It is text for people, without a grammar; what is relied on here is the same from
// Linux 5.10 to 6.18: an instruction is printed as `N: (op) …` before it is checked, so the last one printed is
// the one refused, and the lines after it say why.

export interface Rejection {
  /** Why, in the verifier's words. */
  readonly message: string
  /** The slot of the instruction refused, where the log names one. */
  readonly slot: number | undefined
  /** The last lines of the log, without its statistics. */
  readonly lines: readonly string[]
}

const instructionLine = /^(\d+): \([0-9a-f]{2}\) /
/** Register states (`5: R0=…`), branches taken (`from 5 to 7: …`), and `5: safe`. */
const stateLine = /^(?:from )?\d+(?: to \d+)?: /
const statisticsLine = /^(?:func#\d+ @\d+$|processed \d+ insns|verification time|stack depth|mark_precise:)/
/** Some checks run before any instruction is printed and name the slot in words. */
const slotInWords = /\binsn (\d+)/

const kept = 12

const reasonAfter = (lines: readonly string[], from: number): readonly string[] =>
  lines.slice(from + 1).filter(line => !stateLine.test(line) && !line.startsWith(';'))

const describe = (lines: readonly string[], last: number): string => {
  const reason = reasonAfter(lines, last)
  if (reason.length > 0) return reason.slice(-4).join('; ')
  return lines.at(-1) ?? 'no reason given'
}

const slotOf = (message: string, printed: string | undefined): number | undefined => {
  const match = instructionLine.exec(printed ?? '') ?? slotInWords.exec(message)
  return match?.[1] === undefined ? undefined : Number(match[1])
}

/** Global functions are verified one by one; only the last one of the log can be the one refused. */
const functionLine = /^Validating \S+ func#\d+/

/** What a verifier log says about the program it refused. */
export const readRejection = (log: string): Rejection => {
  const all = log.split('\n').filter(line => line.trim() !== '' && !statisticsLine.test(line))
  const lines = all.slice(all.findLastIndex(line => functionLine.test(line)) + 1)
  const last = lines.findLastIndex(line => instructionLine.test(line))
  const message = describe(lines, last)
  return { message, slot: slotOf(message, lines[last]), lines: lines.slice(-kept) }
}
