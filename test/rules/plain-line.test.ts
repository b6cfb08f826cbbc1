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

/** An option with one of the values that it is plain with, or now and then with another. */
const option = (name: string, good: readonly string[], odd: readonly string[]): fc.Arbitrary<string> =>
  fc
    .oneof(
      { arbitrary: fc.constantFrom(...good), weight: 12 },
      { arbitrary: fc.constantFrom(...odd), weight: 1 },
    )
    .map(value => `${name} ${value}`)

const addresses = {
  4: {
    good: ['192.0.2.1/32', '192.0.2.1', '10.0.0.0/8', '128.0.0.0/1', '0.0.0.0/3'],
    odd: [
      '10.0.0.1/8',
      '0.0.0.0/0',
      '192.0.2.01/32',
      '192.0.2.256/32',
      '1.2.3/24',
      '192.0.2.0/024',
      '192.0.2.0/33',
      '192.0.2.0/255.255.255.0',
      '10.1.1.1/32,10.1.1.2/32',
      '192.0.2.1/32/8',
      '::1/128',
    ],
  },
  6: {
    good: ['2001:db8::1/128', 'fe80::1', '2001:db8::/32', '::1/128', '8000::/1', '::ffff:1.2.3.4/128'],
    odd: [
      '2001:DB8::/32',
      '2001:db8:0::/32',
      '2001:db8::1/32',
      '::/0',
      '::ffff:102:304/128',
      '192.0.2.1/32',
      '2001:db8::/0032',
      '2001:db8::/129',
      '2001:db8::/ffff::',
    ],
  },
} as const

const port = (name: string): fc.Arbitrary<string> =>
  option(
    name,
    ['22', '0', '65535', '1:2', '0:1024', '1024:65535'],
    [
      '65536',
      '022',
      '0x16',
      '2:1',
      '5:5',
      '0:65535',
      ':1024',
      '1024:',
      '1:2:3',
      'ssh',
      '',
      '22,23',
      '-1',
      '99999999999',
    ],
  )

const target = fc.oneof(
  {
    arbitrary: option(
      '-j',
      ['ACCEPT', 'DROP', 'RETURN', 'a', 'c.d'],
      ['LOG', 'INPUT', 'nope', '"DROP"', 'accept', 'REJECT', 'QUEUE', 'SNAT', 'x'.repeat(29), '-a'],
    ),
    weight: 3,
  },
  { arbitrary: option('-g', ['a'], ['ACCEPT', 'nope', 'FORWARD']), weight: 1 },
)

const protocol = option(
  '-p',
  ['tcp', 'udp', 'tcp', 'udp', 'icmp', 'gre', '6', '47', '200'],
  ['TCP', 'all', 'ip', '0', '256', '017', '0x11', 'none', 'udplite'],
)

const mostly = (usual: string, ...others: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: fc.constant(usual), weight: 30 },
    { arbitrary: fc.constantFrom(...others), weight: 1 },
  )

/** What more a rule may ask, whatever its protocol: as it is printed, and now and then otherwise. */
const general: fc.Arbitrary<string> = fc.oneof(
  option('-m comment --comment', ['"a b"', 'a-b', '"it is so"'], ['"ab"', '""', '-a', '"a\\"b"', '"a']),
  option('-m mac --mac-source', ['02:00:00:00:00:0a'], ['02:00:00:00:00:0A', '2:0:0:0:0:a', '02:00']),
  option('-m conntrack --ctstate', ['NEW', 'RELATED,ESTABLISHED'], ['ESTABLISHED,RELATED', 'new', 'nope']),
  option('-m limit', ['--limit 5/min', '--limit 5/min --limit-burst 7'], ['--limit 5/minute', '--lim 1/s']),
  option('-m set --match-set', ['a src', 'b dst,src'], ['-s src', '"a b" src', 'a']),
  option('-m mark', ['--mark 0x1', '! --mark 0x1/0x3'], ['--mark 1', '--mark']),
  option('-m addrtype', ['--dst-type LOCAL'], ['--dst-type local', '--src-type LOCAL --limit-iface-out']),
)

/** So many ports. */
const ports = (count: number): string => Array.from({ length: count }, (_, at) => at).join()

const multiports = fc.oneof(
  option('-m multiport --dports', ['22,80', '1:2,3', '22'], ['5:5', '080', '1:2:3', ports(16), '22,', 'ssh']),
  option('-m multiport', ['--sports 1', '--ports 1,2'], ['', '! --dports 1', '--source-ports 1']),
)

/** A protocol and what may be asked of it. */
const particular: fc.Arbitrary<readonly [protocol: string, extra: fc.Arbitrary<string>]> = fc.constantFrom(
  ['', general],
  ['! -p tcp', general],
  ['-p udp', multiports],
  ['-p icmp', option('-m icmp --icmp-type', ['8', '3/1'], ['echo-request', '"8"', '999'])],
  ['-p tcp', multiports],
  [
    '-p tcp',
    option(
      '-m tcp',
      ['--tcp-flags SYN,RST SYN', '! --dport 22', '--dport 22', '--sport 1:2 --tcp-flags SYN,RST SYN'],
      ['--syn', '--dport 1 --dport 2', '--sport 0:65535'],
    ),
  ],
)

const actions = option(
  '-j',
  [
    'REJECT --reject-with icmp-port-unreachable',
    'LOG --log-prefix "a b: " --log-level 6',
    'MARK --set-xmark 0x1/0xffffffff',
    'LOG',
    'CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff',
  ],
  [
    'REJECT --reject-with tcp-reset',
    'TCPMSS --set-mss 1400',
    'LOG --log-prefix ab',
    'MARK --set-mark 1',
    'LOG --log-level 6 -s 10.0.0.0/8',
    'x',
  ],
)

/** As most rules are. */
const extended = (family: Family): fc.Arbitrary<readonly string[]> =>
  fc
    .tuple(
      fc.constantFrom('', '', `-s ${addresses[family].good[0]}`),
      mostly('', '-i eth0', '-i lo', '-i br+', '-i +', '-i "eth0"', '-i abcdefghijklmnop'),
      mostly('', '-o eth0', '-o eth0.1'),
      particular.chain(([protocol, extra]) => fc.tuple(fc.constant(protocol), extra)),
      fc.array(general, { maxLength: 2 }),
      fc.oneof(target, actions),
    )
    .map(([source, input, output, asked, matches, action]) =>
      [source, input, output, ...asked, ...matches, action].filter(word => word !== ''),
    )

/** What stands behind the chain: in order, or in any. */
const spec = (family: Family): fc.Arbitrary<readonly string[]> => {
  const { good, odd } = addresses[family]
  const [source, destination] = [option('-s', good, odd), option('-d', good, odd)]
  const match = option('-m', ['tcp', 'udp'], ['tcpmss', 'comment', 'nope', 'TCP'])
  const both = fc.constantFrom('-p tcp -m tcp', '-p udp -m udp')
  const protocols = fc.oneof({ arbitrary: both, weight: 6 }, protocol, match)
  const ordered = [source, destination, protocols, port('--sport'), port('--dport'), target]
  const strange = fc.constantFrom(
    '-f',
    '-i eth0',
    '-4',
    '-c 1 2',
    '"',
    '!',
    '! -d 1.2.3.4/32',
    '--source ::1',
    '-m',
  )
  const any = fc.array(fc.oneof(...ordered, strange), { maxLength: 5 })
  const inOrder = fc
    .tuple(...ordered.map(one => fc.option(one, { nil: undefined, freq: 3 })))
    .map(words => words.filter(word => word !== undefined))
  return fc.oneof({ arbitrary: inOrder, weight: 4 }, { arbitrary: any, weight: 1 })
}

const lines = (family: Family): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom('', '', '', '[1:2] ', '[0:0]', '[0:0] '),
      mostly('', '[1:2]  ', '[x:1] ', '[1:2 '),
      fc.oneof(mostly('INPUT', 'nope', '"a"', '-x', ''), fc.constant('a')),
      spec(family),
      fc.array(mostly(' ', '  ', '\t'), { minLength: 8, maxLength: 8 }),
      mostly('', ' ', '\r', '\t', ' \r'),
    )
    .map(
      ([counters, odd, chain, words, blanks, end]) =>
        `${counters}${odd}-A ${chain}${words.map((word, at) => `${blanks[at]}${word}`).join('')}${end}`,
    )

const files = (family: Family): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom('filter', 'filter', 'nat', 'raw'),
      fc.array(lines(family), { minLength: 1, maxLength: 2 }),
    )
    .map(([table, all]) => [`*${table}`, ':a - [0:0]', ':c.d - [0:0]', ...all, 'COMMIT', ''].join('\n'))

/** Many lines of few kinds, each right for the most part: what one says another says again. */
const repeating = (family: Family): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom('filter', 'mangle'),
      fc.array(fc.tuple(fc.constantFrom('a', 'a', 'INPUT', 'OUTPUT'), extended(family)), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.array(fc.tuple(fc.nat(2), fc.constantFrom('a', undefined)), { maxLength: 6 }),
    )
    .map(([table, kinds, more]) => {
      const lines = [...kinds, ...more.map(([at, chain]) => [chain, kinds[at]?.[1] ?? []] as const)]
      const all = lines.map(([chain = 'FORWARD', words]) => `-A ${[chain, ...words].join(' ')}`)
      return [`*${table}`, ':a - [0:0]', ':c.d - [0:0]', ...all, 'COMMIT', ''].join('\n')
    })

/** As people write them: the protocol and the rest in any order, ports without their match, and what may stand behind these. */
const handwritten = (family: Family): fc.Arbitrary<string> => {
  const { good } = addresses[family]
  const parts = [
    option('-p', ['tcp', 'udp', '6', '17'], ['132', '1', 'TCP']),
    option('-s', good, ['192.0.2.1/24']),
    option('-d', good, ['::/0']),
    option('-i', ['eth0', 'br+'], ['+']),
    option('-o', ['eth0'], ['"eth1"']),
  ].map(part => fc.option(part, { nil: '', freq: 2 }))
  const core = fc.tuple(...parts).chain(words => fc.shuffledSubarray(words, { minLength: 3 }))
  const extra = fc.constantFrom('', '', '--syn', '-m tcp --dport 7', '-m udp', '--dport 9', '! --sport 1')
  return fc
    .tuple(
      fc.constantFrom('INPUT', 'FORWARD', 'OUTPUT', 'a'),
      core,
      fc.option(port('--sport'), { nil: '' }),
      fc.option(port('--dport'), { nil: '' }),
      fc.oneof(extra, general, multiports),
      target,
    )
    .map(([chain, words, ...rest]) => {
      const all = [...words, ...rest].filter(word => word !== '').join(' ')
      return ['*filter', ':a - [0:0]', ':c.d - [0:0]', `-A ${chain} ${all}`, 'COMMIT', ''].join('\n')
    })
}

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
