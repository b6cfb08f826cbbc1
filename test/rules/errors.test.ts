// What is wrong with rule files, and how it is said: code, place, the line with a caret, and what to do.

import test from 'ava'
import { type Family, formatError, parseSave, place, RuleError, type RuleErrorCode } from 'iptables-parser'
import { golden } from '../golden.ts'

const errorOf = (text: string, family: Family = 4): RuleError => {
  try {
    parseSave(text, { family, name: 'rules.v4' })
  } catch (error) {
    if (error instanceof RuleError) return error
    throw error
  }
  throw new Error(`accepted: ${text}`)
}

/** In the filter table, behind a user chain; the rule stands in line 3. */
const withRule = (rule: string): string => `*filter\n:user - [0:0]\n${rule}\nCOMMIT\n`

interface Case {
  readonly title: string
  readonly text: string
  readonly code: RuleErrorCode
  /** `line:column` */
  readonly at: string
  readonly family?: Family
}

const files: readonly Case[] = [
  { title: 'empty input', text: '', code: 'ERR_INPUT', at: '1:1' },
  { title: 'nothing but comments', text: '# one\n\n# two\n', code: 'ERR_INPUT', at: '4:1' },
  { title: 'binary input', text: '\x7fELF\x02\x01\x01\0\0\0', code: 'ERR_INPUT', at: '1:8' },
  {
    title: 'bytes that are no UTF-8',
    text: '*filter\n-A INPUT -i \ufffd\nCOMMIT\n',
    code: 'ERR_INPUT',
    at: '2:13',
  },
  { title: 'a table without COMMIT', text: '*filter\n-A INPUT -j ACCEPT\n', code: 'ERR_INPUT', at: '1:1' },
  { title: 'a second table before COMMIT', text: '*filter\n*nat\nCOMMIT\n', code: 'ERR_SYNTAX', at: '2:1' },
  { title: 'a rule outside of any table', text: '-A INPUT -j ACCEPT\n', code: 'ERR_SYNTAX', at: '1:1' },
  { title: 'COMMIT without a table', text: '*filter\nCOMMIT\nCOMMIT\n', code: 'ERR_SYNTAX', at: '3:1' },
  { title: 'an unknown table', text: '*broute\nCOMMIT\n', code: 'ERR_TABLE', at: '1:1' },
  { title: 'a table without a name', text: '*\nCOMMIT\n', code: 'ERR_TABLE', at: '1:1' },
  { title: 'a chain without a name', text: '*filter\n: - [0:0]\nCOMMIT\n', code: 'ERR_SYNTAX', at: '2:1' },
  { title: 'a chain without a policy', text: '*filter\n:user\nCOMMIT\n', code: 'ERR_SYNTAX', at: '2:1' },
  {
    title: 'a chain declared twice',
    text: '*filter\n:user - [0:0]\n:user - [0:0]\nCOMMIT\n',
    code: 'ERR_CHAIN',
    at: '3:1',
  },
  {
    title: 'an unknown policy',
    text: '*filter\n:INPUT REJECT [0:0]\nCOMMIT\n',
    code: 'ERR_CHAIN',
    at: '2:1',
  },
  {
    title: 'a policy for a user chain',
    text: '*filter\n:user DROP [0:0]\nCOMMIT\n',
    code: 'ERR_CHAIN',
    at: '2:1',
  },
  {
    title: 'a circle of two chains',
    text: '*filter\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n-A b -p tcp -g a\nCOMMIT\n',
    code: 'ERR_LOOP',
    at: '6:13',
  },
  {
    title: 'a chain that calls itself',
    text: '*filter\n:a - [0:0]\n-A INPUT -j a\n-A a -j a\nCOMMIT\n',
    code: 'ERR_LOOP',
    at: '4:6',
  },
  {
    title: 'a policy counter out of range',
    text: '*filter\n:INPUT ACCEPT [18446744073709551616:0]\nCOMMIT\n',
    code: 'ERR_COUNTER',
    at: '2:1',
  },
]

const rules: readonly (readonly [rule: string, code: RuleErrorCode, at: string, family?: Family])[] = [
  // what iptables would refuse of the rule as a whole
  ['-A missing -j ACCEPT', 'ERR_CHAIN', '3:1'],
  ['-A INPUT -j missing', 'ERR_CHAIN', '3:10'],
  ['-A INPUT -g missing', 'ERR_CHAIN', '3:10'],
  ['-A INPUT -j OUTPUT', 'ERR_CHAIN', '3:10'],
  ['[0:x] -A INPUT -j ACCEPT', 'ERR_COUNTER', '3:1'],
  ['[0:0 -A INPUT -j ACCEPT', 'ERR_COUNTER', '3:1'],
  ['[18446744073709551616:0] -A INPUT -j ACCEPT', 'ERR_COUNTER', '3:1'],
  ['-A INPUT -c 1 x -j ACCEPT', 'ERR_COUNTER', '3:10'],
  ['-A INPUT -j ACCEPT extra', 'ERR_SYNTAX', '3:20'],
  ['-A INPUT -j ACCEPT !', 'ERR_SYNTAX', '3:20'],
  ['-A INPUT ! ! -s 192.0.2.1', 'ERR_SYNTAX', '3:12'],
  ['-A INPUT --unknown 1 -j ACCEPT', 'ERR_OPTION', '3:10'],
  ['-A INPUT -p tcp --dport', 'ERR_OPTION', '3:17'],
  ['-A INPUT -p tcp -m tcp --dport 1 --dport 2', 'ERR_OPTION', '3:34'],
  ['-A INPUT --dport 22', 'ERR_OPTION', '3:10'],
  ['-A INPUT ! -j ACCEPT', 'ERR_OPTION', '3:10'],
  ['-A INPUT -s 192.0.2.1 -s 192.0.2.2', 'ERR_OPTION', '3:23'],
  ['-A INPUT -m conntrack --bogus NEW', 'ERR_OPTION', '3:23'],
  // extensions
  ['-A INPUT -m tcp --dport 22', 'ERR_EXTENSION', '3:10'],
  ['-A INPUT -m multiport --dports 22', 'ERR_EXTENSION', '3:10'],
  ['-A INPUT -m icmp --icmp-type 8', 'ERR_EXTENSION', '3:10'],
  // values of the core's own options
  ['-A INPUT -p bogus', 'ERR_VALUE', '3:10'],
  ['-A INPUT -p 256', 'ERR_VALUE', '3:10'],
  ['-A INPUT ! -p all', 'ERR_VALUE', '3:10'],
  ['-A INPUT -s 192.0.2.256', 'ERR_VALUE', '3:10'],
  ['-A INPUT -s 192.0.2.1/33', 'ERR_VALUE', '3:10'],
  ['-A INPUT -s 192.0.2.1/255.255.255', 'ERR_VALUE', '3:10'],
  ['-A INPUT -d 2001:db8::1', 'ERR_VALUE', '3:10'],
  ['-A INPUT -d 192.0.2.1', 'ERR_VALUE', '3:10', 6],
  ['-A INPUT -d 2001:db8::1/129', 'ERR_VALUE', '3:10', 6],
  ['-A INPUT ! -s 192.0.2.1,192.0.2.2', 'ERR_OPTION', '3:10'],
  ['-A INPUT -i averyverylongname', 'ERR_VALUE', '3:10'],
  ['-A INPUT -i ""', 'ERR_VALUE', '3:10'],
  ['-A INPUT -o eth0', 'ERR_OPTION', '3:10'],
  ['-A OUTPUT -i eth0', 'ERR_OPTION', '3:11'],
  ['-A INPUT -f', 'ERR_OPTION', '3:10', 6],
  ['-A INPUT -j ""', 'ERR_CHAIN', '3:10'],
  ['-A averyverylongnameofmorethan28characters -j ACCEPT', 'ERR_CHAIN', '3:1'],
  // values of the extensions every rule set uses
  ['-A INPUT -p tcp -m tcp --dport 65536', 'ERR_VALUE', '3:24'],
  ['-A INPUT -p tcp -m tcp --dport 30:20', 'ERR_VALUE', '3:24'],
  ['-A INPUT -p tcp -m tcp --dport nosuchservice', 'ERR_VALUE', '3:24'],
  ['-A INPUT -p tcp -m tcp --tcp-flags SYN,BOGUS SYN', 'ERR_VALUE', '3:24'],
  ['-A INPUT -p tcp -m multiport --dports 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16', 'ERR_VALUE', '3:30'],
  ['-A INPUT -m conntrack --ctstate SLEEPING', 'ERR_VALUE', '3:23'],
  ['-A INPUT -p icmp -m icmp --icmp-type bogus', 'ERR_VALUE', '3:26'],
]

const cases: readonly Case[] = [
  ...files,
  ...rules.map(([rule, code, at, family]) => ({
    title: rule,
    text: withRule(rule),
    code,
    at,
    ...(family && { family }),
  })),
]

for (const { title, text, code, at, family } of cases)
  test(`${title}${family === 6 ? ' (IPv6)' : ''} is ${code} at ${at}`, t => {
    const error = errorOf(text, family)
    t.is(error.code, code, error.message)
    t.is(error.span && place(error.span), `rules.v4:${at}`)
    t.not(error.message, '')
  })

test('every error shows the line, and the caret where it is', t => {
  const shown = cases.map(({ title, text, family }) => `# ${title}\n${formatError(errorOf(text, family))}\n`)
  golden(t, 'fixtures/errors.txt', shown.join('\n'))
})

test('the caret stands under the place behind tabs, in a long line and in one of an excerpt', t => {
  const caret = (text: string): readonly string[] => formatError(errorOf(text)).split('\n').slice(1, 3)
  t.deepEqual(caret('*filter\n-A INPUT\t-s 1.2.3.400\nCOMMIT\n'), [
    '-A INPUT\t-s 1.2.3.400',
    '        \t^~~~~~~~~~~~',
  ])
  const long = `-A INPUT -m comment --comment "${'x'.repeat(250)}" --bogus 1`
  const [line = '', mark = ''] = caret(`*filter\n${long}\nCOMMIT\n`)
  t.true(line.length <= 160)
  t.true(line.slice(mark.indexOf('^')).startsWith('--bogus'))
})

test('what would move the terminal is not printed', t => {
  t.notRegex(
    formatError(errorOf('*filter\n-A INPUT -i \x1b[2Jx/y -j "a\x07b"\nCOMMIT\n')),
    /[\x00-\x08\x0b-\x1f]/,
  )
})

test('lines are counted in files with carriage returns as without', t => {
  const text = '*filter\r\n-A INPUT -j ACCEPT\r\n-A INPUT -s 999.0.0.1\r\nCOMMIT\r\n'
  const error = errorOf(text)
  t.is(error.span && place(error.span), 'rules.v4:3:10')
  t.notRegex(formatError(error), /\r/)
})
