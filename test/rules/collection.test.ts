// Every rule set of the collection, read and printed without a kernel: nothing is lost, and what is printed stays as it is.

import test from 'ava'
import { type Counters, parseSave, printRuleset, RuleError, type Ruleset } from 'iptables-parser'
import { type CollectedFile, collectedFiles } from '../collection.ts'

const everything = { counters: true, remarks: true }

function read({ name, family, text }: CollectedFile): Ruleset | undefined {
  try {
    return parseSave(text, { family, name, remarks: true })
  } catch (error) {
    if (error instanceof RuleError) return undefined
    throw error
  }
}

/** A rule set as text, in all but where it was read. No counters are counters of zero. */
const contents = (ruleset: Ruleset): string =>
  JSON.stringify(ruleset, (key, value: unknown) => {
    if (key === 'span') return undefined
    if (key === 'counters' && isZero(value as Counters)) return undefined
    return typeof value === 'bigint' ? `${value}` : value
  })

const isZero = ({ packets, bytes }: Counters): boolean => packets === 0n && bytes === 0n

function fault(file: CollectedFile): string | undefined {
  const ruleset = read(file)
  if (!ruleset) return undefined
  const printed = printRuleset(ruleset, everything)
  const again = parseSave(printed, { family: file.family, remarks: true })
  if (contents(again) !== contents(ruleset)) return `${file.name}: something is lost`
  return printRuleset(again, everything) === printed ? undefined : `${file.name}: printed differently again`
}

/** The largest are more of what the smaller ones hold. */
const files = collectedFiles()?.filter(({ name }) => !name.includes('_100k'))
if (files)
  test('nothing of a rule set is lost when it is printed and read again', t => {
    t.true(files.length > 0)
    t.deepEqual(
      files.map(fault).filter(found => found !== undefined),
      [],
    )
  })
else test.skip('nothing of a rule set is lost (skipped: no collection of rule sets)', t => t.fail())
