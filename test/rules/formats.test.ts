// The printers and their readers: what is printed reads back as the same rules.

import test from 'ava'
import fc from 'fast-check'
import {
  applyCommand,
  type Family,
  matchExtensions,
  parseCommand,
  parseJson,
  parseSave,
  printRuleset,
  RuleError,
  type Ruleset,
  targetExtensions,
  toJson,
} from 'iptables-parser'
import { composedKinds, composedRules } from './composed-rules.ts'
import { fixtureFiles, ruleFile } from './extension-cases.ts'
import { commandLines } from './random-commands.ts'

/** What is left of a rule set after random commands, those that are refused left out. */
const rulesets = (family: Family): fc.Arbitrary<Ruleset> =>
  commandLines(family).map(lines =>
    lines.reduce<Ruleset>((ruleset, words) => attempt(ruleset, words), { family, tables: [] }),
  )

function attempt(ruleset: Ruleset, words: readonly string[]): Ruleset {
  try {
    return applyCommand(ruleset, parseCommand(words, ruleset.family))
  } catch (error) {
    if (error instanceof RuleError) return ruleset
    throw error
  }
}

/** -E gives names that neither iptables-restore nor we read back. */
const canBeRead = ({ tables }: Ruleset): boolean =>
  tables.every(({ chains }) => chains.every(({ name }) => name !== '' && name.length < 29))

const printed = (ruleset: Ruleset): string => printRuleset(ruleset, { counters: true })

for (const family of [4, 6] as const) {
  test(`IPv${family} rule sets survive being printed and read`, t => {
    fc.assert(
      fc.property(rulesets(family), ruleset => {
        const text = printed(ruleset)
        fc.pre(ruleset.tables.length > 0 && canBeRead(ruleset))
        t.is(printed(parseSave(text, { family })), text)
      }),
    )
  })

  test(`IPv${family} rule sets survive JSON`, t => {
    fc.assert(
      fc.property(rulesets(family), ruleset => {
        fc.pre(canBeRead(ruleset))
        t.is(printed(parseJson(JSON.stringify(toJson(ruleset)))), printed(ruleset))
      }),
    )
  })
}

test('composed rules hold every extension', t => {
  const kinds = new Set([...composedKinds(4), ...composedKinds(6)])
  const known = [...Object.keys(matchExtensions), ...Object.keys(targetExtensions)]
  t.deepEqual(
    known.filter(name => !kinds.has(name)),
    [],
  )
})

for (const family of [4, 6] as const)
  test(`IPv${family} rules over all extensions survive being printed and read`, t => {
    fc.assert(
      fc.property(composedRules(family), ruleset => {
        const text = printed(ruleset)
        const read = readIfAllowed(text, family)
        fc.pre(read !== undefined)
        t.is(printed(read), text)
        // what print leaves out, as iptables-save does (the code of ICMP type 255), is gone after the first time
        t.deepEqual(rulesOf(parseSave(printed(read), { family })), rulesOf(read), text)
      }),
      { numRuns: 1000 },
    )
  })

/** Undefined where the parts of a rule do not go together: SYNPROXY, say, asks for more than -p tcp. */
function readIfAllowed(text: string, family: Family): Ruleset | undefined {
  try {
    return parseSave(text, { family })
  } catch (error) {
    if (error instanceof RuleError) return undefined
    throw error
  }
}

/** The rules with nothing of where they were written. */
const rulesOf = ({ tables }: Ruleset): unknown =>
  JSON.parse(
    JSON.stringify(
      tables.map(({ chains }) => chains.flatMap(({ rules }) => rules)),
      (key, value: unknown) =>
        key === 'span' || key === 'counters' ? undefined : typeof value === 'bigint' ? `${value}n` : value,
    ),
  )

test('every extension survives JSON', t => {
  const cases = fixtureFiles().flatMap(file => file.cases.filter(one => one.printed !== undefined))
  t.true(cases.length > 0)
  for (const one of cases) {
    const ruleset = parseSave(ruleFile(one), { family: one.family })
    t.is(printed(parseJson(JSON.stringify(toJson(ruleset)))), printed(ruleset), one.place)
  }
})

test('an edit leaves the rule set it was made of alone, and shares the rest with it', t => {
  const before = parseSave('*filter\n:a - [0:0]\n-A INPUT -j a\n-A a -j DROP\nCOMMIT\n', { family: 4 })
  const text = printed(before)
  for (const line of ['-A a', '-I a', '-D a 1', '-R a 1', '-F a', '-P INPUT DROP', '-Z', '-E a b', '-N c'])
    applyCommand(before, parseCommand(line.split(' '), 4))
  t.is(printed(before), text)
  const after = applyCommand(before, parseCommand(['-A', 'a'], 4))
  t.is(after.tables[0]?.chains[0], before.tables[0]?.chains[0])
  t.is(after.tables[0]?.chains[3]?.rules[0], before.tables[0]?.chains[3]?.rules[0])
})

const wrong: Readonly<Record<string, string>> = {
  'not JSON': '{',
  'another format': '{"format":"x"}',
  'an unknown member': '{"format":"iptables-rules","version":1,"family":4,"tables":[],"more":1}',
  'a family there is not': '{"format":"iptables-rules","version":1,"family":5,"tables":[]}',
  'a rule that iptables refuses':
    '{"format":"iptables-rules","version":1,"family":4,"tables":[{"name":"filter","chains":[{"name":"INPUT","policy":"ACCEPT","rules":[{"matches":[{"name":"tcp","options":[]}]}]}]}]}',
}

for (const [what, text] of Object.entries(wrong))
  test(`JSON with ${what} is refused`, t => {
    t.throws(() => parseJson(text), { instanceOf: RuleError })
  })
