import { parseSave, printRuleset, RuleError } from 'iptables-parser'
import { type ExtensionCase, expectedLines, ruleFile, ruleLines } from './extension-cases.ts'

const print = (text: string, { family }: ExtensionCase): string => printRuleset(parseSave(text, { family }))

/** What is wrong with a case; undefined where nothing is. */
export function caseFault(one: ExtensionCase): string | undefined {
  try {
    const printed = print(ruleFile(one), one)
    if (one.printed === undefined) return 'should be refused'
    const [line] = ruleLines(printed)
    const [expected] = expectedLines(one, one.printed)
    if (line !== expected) return `printed  ${line}\n  expected ${expected}`
    return print(printed, one) === printed ? undefined : 'prints differently when read again'
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    if (one.printed !== undefined) return `refused: ${error.message}`
    return error.span ? undefined : `is refused without a place: ${error.message}`
  }
}
