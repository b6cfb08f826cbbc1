// Random rule files: several tables, chains declared or not, any command as a line, odd quoting, and mistakes.

import fc from 'fast-check'
import type { Family, TableName } from 'iptables-parser'

/** A rule file, and how it is to be restored. */
export interface Restore {
  readonly text: string
  readonly counters: boolean
  readonly noflush: boolean
  readonly table?: TableName | undefined
}

const chains: Readonly<Record<string, readonly string[]>> = {
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  mangle: ['PREROUTING', 'OUTPUT'],
  raw: ['PREROUTING', 'OUTPUT'],
}
const userChains = ['a', 'b', 'c.d']

const counters = fc.constantFrom('', '', '', '[0:0] ', '[12:3456] ', '[1:2]', '[18446744073709551615:1] ')

const spec = (family: Family): fc.Arbitrary<string> => {
  const address = family === 4 ? '192.0.2.1' : '2001:db8::1'
  const good = fc.constantFrom(
    '',
    '-j ACCEPT',
    '-j DROP',
    '-j a',
    '-g b',
    `-s ${address} -j RETURN`,
    `-d ${address},${address}`,
    '-p tcp --dport 22',
    '-p udp -m udp --sport 53 -j c.d',
    '-m comment --comment "two words"',
    '-m comment --comment "a \\"b\\" \\\\ c"',
    "-m comment --comment it's",
    '-m comment --comment "it\'s"',
    '-m comment --comment ""',
    '-m comment --comment a"b c"',
    '-m comment --comment "a"-j "ACCEPT"',
    '-m comment --comment "a" "-j" DROP',
    '-m comment --comment a\\b',
    '-m state --state NEW',
    '\t-j\tACCEPT  ',
    family === 4 ? '-6' : '-4',
    `-${family}`,
  )
  const bad = fc.constantFrom(
    '-c 5 6',
    '-j nope',
    '-jACCEPT',
    '-m tcp',
    '-n',
    '-t filter',
    '-w',
    'stray',
    '-g INPUT',
  )
  return fc.oneof({ arbitrary: good, weight: 60 }, { arbitrary: bad, weight: 1 })
}

function line(family: Family, base: readonly string[]): fc.Arbitrary<string> {
  const chain = fc.oneof(
    { arbitrary: fc.constantFrom(...base), weight: 30 },
    { arbitrary: fc.constantFrom(...userChains), weight: 40 },
    { arbitrary: fc.constant('nope'), weight: 1 },
  )
  const rule = fc.tuple(counters, fc.constantFrom('-A', '-A', '--append', '-I'), chain, spec(family))
  return fc.oneof(
    {
      arbitrary: rule.map(([count, command, name, rest]) => `${count}${command} ${name} ${rest}`),
      weight: 60,
    },
    { arbitrary: chain.map(name => `-N ${name}`), weight: 3 },
    { arbitrary: chain.map(name => `-F ${name}`), weight: 1 },
    { arbitrary: chain.map(name => `-X ${name}`), weight: 1 },
    { arbitrary: chain.map(name => `-D ${name} 1`), weight: 1 },
    { arbitrary: chain.map(name => `-Z ${name}`), weight: 2 },
    { arbitrary: chain.map(name => `-P ${name} DROP`), weight: 1 },
    { arbitrary: fc.tuple(chain, spec(family)).map(([name, rest]) => `-D ${name} ${rest}`), weight: 1 },
    {
      arbitrary: fc
        .tuple(chain, spec(family))
        .map(([name, rest]) => `[7:8] -R ${name} 1 ${rest.replace(/^-[46]$/, '')}`),
      weight: 1,
    },
    {
      arbitrary: fc.constantFrom('# remark', '', '-F', '-Z', '-E a b', '"-A" "INPUT"', '-E a d'),
      weight: 2,
    },
  )
}

const declaration = (base: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    {
      arbitrary: fc
        .tuple(
          fc.constantFrom(...base),
          fc.constantFrom(
            'ACCEPT [0:0]',
            'DROP [1:1]',
            'DROP [10:20]',
            '- [3:4]',
            'ACCEPT',
            '-',
            'DROP [5:6]',
          ),
        )
        .map(([name, rest]) => `:${name} ${rest}`),
      weight: 24,
    },
    { arbitrary: fc.constantFrom(...userChains, 'd', 'e').map(name => `:${name} - [0:0]`), weight: 2 },
    {
      arbitrary: fc.constantFrom(
        ':a',
        ':a DROP [0:0]',
        ':INPUT REJECT [0:0]',
        ':ACCEPT - [0:0]',
        ':-x - [0:0]',
        ':"q" -',
      ),
      weight: 1,
    },
  )

const table = (family: Family): fc.Arbitrary<string> =>
  fc.constantFrom('filter', 'filter', 'mangle', 'raw').chain(name => {
    const base = chains[name] ?? []
    return fc
      .tuple(
        fc.oneof(
          { arbitrary: fc.constant(userChains.map(user => `:${user} - [0:0]`)), weight: 4 },
          { arbitrary: fc.constant([]), weight: 1 },
        ),
        fc.array(declaration(base), { maxLength: 2 }),
        fc.array(line(family, base), { maxLength: 8, size: 'max' }),
      )
      .map(([user, declared, lines]) => [`*${name}`, ...user, ...declared, ...lines, 'COMMIT', ''].join('\n'))
  })

/** Some files to be restored one after the other. */
export const restores = (family: Family): fc.Arbitrary<readonly Restore[]> =>
  fc.array(
    fc.record({
      text: fc
        .uniqueArray(table(family), { minLength: 1, maxLength: 2, selector: text => text.split('\n')[0] })
        .map(tables => tables.join('')),
      counters: fc.boolean(),
      noflush: fc.boolean(),
      table: fc.constantFrom(undefined, undefined, undefined, 'filter' as const),
    }),
    { minLength: 2, maxLength: 8, size: 'max' },
  )
