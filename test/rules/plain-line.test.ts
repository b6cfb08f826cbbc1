// Lines that are read in one go come to the same as by the reader of all arguments, which a tab behind -A leads them to.

import test from 'ava'
import fc from 'fast-check'
import {
  type Family,
  parseSave,
  printRule,
  printRuleset,
  type RestoreOptions,
  RuleError,
  type Ruleset,
  restoreSave,
  writtenRule,
} from 'iptables-parser'
import { collectedFiles } from '../collection.ts'
import { fixtureFiles } from './extension-cases.ts'
import { type Restore, restores } from './random-files.ts'
import { files, handwritten, repeating } from './random-lines.ts'

/** The same text, at the same places, spelled so that no line is plain. */
const respelled = (text: string): string => text.replace(/^((?:\[[^\]\n]*\] ?)?-A) /gm, '$1\t')

/** All that was read, and where, or all that is wrong. */
function outcome(read: () => Ruleset): string {
  try {
    return plain(read())
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    return plain([error.code, error.message, error.hint, error.refusal, error.span])
  }
}

const plain = (value: unknown): string =>
  JSON.stringify(value, (key, part: unknown) =>
    key === 'source' ? undefined : typeof part === 'bigint' ? `${part}n` : part,
  )

const isSame = (text: string, read: (text: string) => Ruleset): boolean =>
  outcome(() => read(text)) === outcome(() => read(respelled(text)))

for (const family of [4, 6] as const) {
  test(`IPv${family} rules as people write them are read alike by both readers`, t => {
    let right = 0
    fc.assert(
      fc.property(handwritten(family), text => {
        const rules = rulesOf(text, family)
        right += rules.length
        const isTrue = rules.every(
          rule => (writtenRule(rule) ?? printRule(rule, family)) === printRule(rule, family),
        )
        return isTrue && isSame(text, all => parseSave(all, { family }))
      }),
      { numRuns: 5000 },
    )
    t.true(right > 500, `${right} rules were right`)
  })

  test(`IPv${family} rules that say again what others said are read alike by both readers`, t => {
    let right = 0
    fc.assert(
      fc.property(repeating(family), text => {
        if (rulesOf(text, family).length > 1) right++
        return isSame(text, all => parseSave(all, { family }))
      }),
      { numRuns: 3000 },
    )
    t.true(right > 300, `${right} files were right`)
  })

  test(`IPv${family} rules nearly as iptables-save prints them are read alike by both readers`, t => {
    fc.assert(
      fc.property(files(family), fc.constantFrom(true, false, undefined), (text, counters) => {
        const options = counters === undefined ? {} : { counters }
        return (
          isSame(text, all => parseSave(all, { family, ...options })) &&
          isSame(text, all => restoreSave(empty(family), all, options))
        )
      }),
      { numRuns: 1000 },
    )
    t.pass()
  })

  test(`random IPv${family} rule files are read alike by both readers`, t => {
    fc.assert(
      fc.property(restores(family), files =>
        files.every(({ text, ...options }) =>
          isSame(text, all => restoreSave(empty(family), all, given(options))),
        ),
      ),
      { numRuns: 150 },
    )
    t.pass()
  })

  test(`what an IPv${family} rule was read from is what it is printed as`, t => {
    let known = 0
    fc.assert(
      fc.property(fc.oneof(files(family), repeating(family)), text => {
        for (const rule of rulesOf(text, family)) {
          const written = writtenRule(rule)
          if (written !== undefined) known++
          if (written !== undefined && written !== printRule(rule, family)) return false
        }
        return true
      }),
      { numRuns: 1000 },
    )
    t.true(known > 100, `${known} rules were plain`)
  })
}

const empty = (family: Family): Ruleset => ({ family, tables: [] })

const given = ({ table, ...options }: Omit<Restore, 'text'>): RestoreOptions => ({
  ...options,
  ...(table && { table }),
})

function rulesOf(text: string, family: Family) {
  try {
    return parseSave(text, { family }).tables.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules))
  } catch (error) {
    if (error instanceof RuleError) return []
    throw error
  }
}

test('a copy of a rule has no text of its own', t => {
  const [rule] = rulesOf('*filter\n[1:2] -A INPUT -s 192.0.2.1/32 -j DROP\nCOMMIT\n', 4)
  t.is(rule && writtenRule(rule), ' -s 192.0.2.1/32 -j DROP')
  t.is(rule && writtenRule({ ...rule }), undefined)
})

test('a rule set that is printed as it was read is what it is printed as anyway, behind edits too', t => {
  const read = parseSave(
    '*filter\n:INPUT DROP [0:0]\n-A INPUT -s 192.0.2.1/32 -j DROP\n-A INPUT -p 6 -j DROP\nCOMMIT\n',
    { family: 4 },
  )
  const edited = restoreSave(
    read,
    '*filter\n[3:4] -I INPUT -s 192.0.2.2 -j ACCEPT\n-R INPUT 2 -s 192.0.2.3/32\nCOMMIT\n',
    {
      noflush: true,
    },
  )
  for (const ruleset of [read, edited])
    for (const counters of [false, true])
      t.is(printRuleset(ruleset, { counters, asRead: true }), printRuleset(ruleset, { counters }))
  t.true(
    printRuleset(edited, { asRead: true }).includes('-A INPUT -s 192.0.2.3/32\n-A INPUT -p tcp -j DROP\n'),
  )
})

test('each extension is read alike by both readers when its words come again', t => {
  let again = 0
  for (const { cases } of fixtureFiles())
    for (const { family, table, chain, userChains, rule, printed } of cases) {
      const lines = [rule, printed ?? rule, printed ?? rule].map(words => `-A ${chain} ${words}`)
      const text = [`*${table}`, ...userChains.map(name => `:${name} - [0:0]`), ...lines, 'COMMIT', ''].join(
        '\n',
      )
      t.true(
        isSame(text, all => parseSave(all, { family })),
        text,
      )
      for (const one of rulesOf(text, family)) {
        const written = writtenRule(one)
        if (written === undefined) continue
        t.is(written, printRule(one, family))
        again++
      }
    }
  t.true(again > 1000, `${again} rules were plain`)
})

const SYN = '-p tcp -m tcp --tcp-flags SYN,RST SYN'

test('words that are right in one rule may be wrong in the next', t => {
  const pairs = [
    [
      'a -m addrtype --src-type LOCAL --limit-iface-in -j DROP',
      'OUTPUT -m addrtype --src-type LOCAL --limit-iface-in -j DROP',
    ],
    ['INPUT -m mac --mac-source 02:00:00:00:00:0a', 'OUTPUT -m mac --mac-source 02:00:00:00:00:0a'],
    [`INPUT ${SYN}`, 'INPUT -p udp -m tcp --tcp-flags SYN,RST SYN'],
    [`INPUT ${SYN}`, 'INPUT -m tcp --tcp-flags SYN,RST SYN'],
    [`INPUT ${SYN}`, 'INPUT ! -p tcp -m tcp --tcp-flags SYN,RST SYN'],
    [`INPUT ${SYN} -j TCPMSS --set-mss 1400`, 'INPUT -p tcp -j TCPMSS --set-mss 1400'],
    ['INPUT -p tcp -j REJECT --reject-with tcp-reset', 'INPUT -j REJECT --reject-with tcp-reset'],
    ['INPUT -i eth0', 'OUTPUT -i eth0'],
    ['OUTPUT -o eth0', 'INPUT -o eth0'],
  ] as const
  for (const [right, wrong] of pairs) {
    const text = (...lines: readonly string[]): string =>
      ['*filter', ':a - [0:0]', ...lines.map(line => `-A ${line}`), 'COMMIT', ''].join('\n')
    t.is(rulesOf(text(right, right), 4).length, 2)
    const both = text(right, right, wrong)
    t.throws(() => parseSave(both, { family: 4 }), { instanceOf: RuleError }, wrong)
    t.true(
      isSame(both, all => parseSave(all, { family: 4 })),
      wrong,
    )
  }
})

test('chains that were there are not once they are gone', t => {
  const read = (...lines: readonly string[]) =>
    restoreSave(
      empty(4),
      ['*filter', ':a - [0:0]', ':b - [0:0]', '-A a -j b', '-A b -j DROP', ...lines, 'COMMIT', ''].join('\n'),
    )
  const gone = ['-A a -j b', '-A a -g b', '-A b -j DROP', '-A  -j DROP']
  for (const line of gone) {
    t.throws(() => read('-F', '-X b', line), { instanceOf: RuleError }, line)
    t.throws(() => read('-E b d', line), { instanceOf: RuleError }, line)
  }
  const [table] = read('-E b d', '-A d -j RETURN', '-A a -j d').tables
  const called = table?.chains.map(({ name, rules }) => [name, ...rules.map(({ target }) => target)])
  t.like(called?.slice(3), [
    ['a', { kind: 'jump', chain: 'd' }, { kind: 'jump', chain: 'd' }],
    ['d', { kind: 'DROP' }, { kind: 'RETURN' }],
  ])
})

test('words learnt in one table are not known in another', t => {
  const rule = '-A OUTPUT -j REJECT --reject-with icmp-port-unreachable'
  const text = ['*filter', rule, rule, 'COMMIT', '*mangle', rule, 'COMMIT', ''].join('\n')
  t.throws(() => parseSave(text, { family: 4 }), { instanceOf: RuleError })
  t.true(isSame(text, all => parseSave(all, { family: 4 })))
})

const collected = collectedFiles()?.filter(({ name }) => !name.includes('_100k'))
if (collected)
  test('rule sets of the collection are read alike by both readers, and printed as they were written', t => {
    t.true(collected.length > 0)
    const different = collected.filter(
      ({ text, family }) => !isSame(text, all => parseSave(all, { family, remarks: true })),
    )
    t.deepEqual(
      different.map(({ name }) => name),
      [],
    )
    for (const { text, family } of collected)
      for (const rule of rulesOf(text, family)) {
        const written = writtenRule(rule)
        if (written !== undefined && written !== printRule(rule, family)) t.fail(written)
      }
  })
else test.skip('rule sets of the collection (skipped: no collection of rule sets)', t => t.fail())
