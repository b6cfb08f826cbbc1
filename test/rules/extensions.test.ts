import test from 'ava'
import type { KnownDifference } from './difference.ts'
import {
  type CaseFile,
  type ExtensionCase,
  fixtureFiles,
  hasExtension,
  upstreamFiles,
} from './extension-cases.ts'
import { caseFault } from './extension-fault.ts'
import { differentFromLegacy, differentFromUpstream } from './known-differences.ts'

function fault(one: ExtensionCase): string | undefined {
  const found = caseFault(one)
  return found && `${one.place} (IPv${one.family}, ${one.chain}): ${one.rule}\n  ${found}`
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
