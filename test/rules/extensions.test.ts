import test from 'ava'
import { parseSave, printRuleset, RuleError } from 'iptables-parser'
import type { KnownDifference } from './difference.ts'
import {
  type CaseFile,
  type ExtensionCase,
  expectedLines,
  fixtureFiles,
  hasExtension,
  ruleFile,
  ruleLines,
  upstreamFiles,
} from './extension-cases.ts'
import { differentFromLegacy, differentFromUpstream } from './known-differences.ts'

const print = (text: string, { family }: ExtensionCase): string => printRuleset(parseSave(text, { family }))

/** What is wrong with a case; undefined where nothing is. */
function fault(one: ExtensionCase): string | undefined {
  const where = `${one.place} (IPv${one.family}, ${one.chain}): ${one.rule}`
  try {
    const printed = print(ruleFile(one), one)
    if (one.printed === undefined) return `${where}\n  should be refused`
    const [line] = ruleLines(printed)
    const [expected] = expectedLines(one, one.printed)
    if (line !== expected) return `${where}\n  printed  ${line}\n  expected ${expected}`
    if (print(printed, one) !== printed) return `${where}\n  prints differently when read again`
    return undefined
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    if (one.printed !== undefined) return `${where}\n  refused: ${error.message}`
    return error.span ? undefined : `${where}\n  is refused without a place: ${error.message}`
  }
}

const known = (file: CaseFile, rule: string): ExtensionCase['printed'][] =>
  differentFromUpstream.filter(one => one.file === file.name && one.rule === rule).map(one => one.instead)

function tryFile(file: CaseFile): void {
  test(file.name, t => {
    const cases = file.cases.map(one => {
      const [instead] = known(file, one.rule).map(printed => ({ ...one, printed }))
      return instead ?? one
    })
    t.not(cases.length, 0)
    t.deepEqual(
      cases.map(fault).filter(found => found !== undefined),
      [],
    )
  })
}

for (const file of fixtureFiles()) tryFile(file)

const upstream = upstreamFiles()
for (const file of upstream ?? [])
  if (file.extension === undefined || hasExtension(file.extension)) tryFile(file)
  else test.skip(`${file.name} (no such extension here)`, t => t.fail())

const withoutCase = (differences: readonly KnownDifference[], files: readonly CaseFile[]) => {
  const cases = new Set(files.flatMap(file => file.cases.map(one => `${file.name} ${one.rule}`)))
  return differences.filter(one => !cases.has(`${one.file} ${one.rule}`))
}

test('every known difference to iptables-legacy is about a case there is', t => {
  t.deepEqual(withoutCase(differentFromLegacy, fixtureFiles()), [])
})

const withUpstream = upstream ? test : test.skip
withUpstream("every known difference to iptables' own tables is about a case there is", t => {
  t.deepEqual(withoutCase(differentFromUpstream, upstream ?? []), [])
})
