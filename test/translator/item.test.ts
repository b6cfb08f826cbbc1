// What rules become before they are cut into trees: boxes of fields, in the order in which the kernel asks.

import test from 'ava'
import { type Family, parseSave, type Rule } from 'iptables-parser'
import { type FieldName, transport } from '../../translator/field.ts'
import { type Item, RuleUntranslatable, ruleItems } from '../../translator/item.ts'
import { answers, questionField } from '../../translator/question.ts'
import type { LeafTest } from '../../translator/test.ts'
import type { IntervalSet } from '../../translator/tree/interval.ts'

const ruleOf = (text: string, family: Family, chain: string): Rule => {
  const save = `*filter\n:user - [0:0]\n-A ${chain} ${text}\nCOMMIT\n`
  const rules = parseSave(save, { family }).tables[0]?.chains.find(({ name }) => name === chain)?.rules
  const [rule] = rules ?? []
  if (!rule) throw new Error('no rule')
  return rule
}

/** Points are spelled as written in the cases below: `{ low: 80, end: 81 }` is 80, a longer interval 1-1023. */
const spell = (set: IntervalSet): string =>
  set
    .map(({ low, end }) => {
      const last = typeof end === 'bigint' ? end - 1n : end - 1
      return low === last ? `${low}` : `${low}-${last}`
    })
    .join(',')

const describeTest = (test: LeafTest): string => {
  if (test.kind === 'mask') return `${test.negated ? '!' : ''}${test.field}&${test.mask}=${test.value}`
  if (test.kind === 'set') return `${test.field}=${spell(test.set)}`
  return test.kind === 'nth' ? `nth:${test.match}` : test.kind
}

const describe = ({ sets, rest, outcome }: Item): string =>
  [
    ...[...sets].map(([field, set]) => `${field}=${spell(set)}`),
    ...rest.map(describeTest),
    'chain' in outcome ? `${outcome.kind}:${outcome.chain}` : outcome.kind,
  ].join(' ')

const itemsOf = (text: string, family: Family = 4, chain = 'INPUT'): readonly string[] =>
  ruleItems(ruleOf(text, family, chain), 0, { hook: 'nf-input', family }, family).map(describe)

const { whole, ports, short, later, overlap, unreachable } = transport
const notWhole = `${ports}-${short}`

const cases: readonly (readonly [rule: string, family: Family, items: readonly string[]])[] = [
  ['-j ACCEPT', 4, ['accept']],
  ['', 4, ['continue']],
  ['-j user', 4, ['jump:user']],
  ['-g user', 4, ['goto:user']],
  ['-j RETURN', 4, ['return']],
  ['-s 192.0.2.0/24 -j DROP', 4, [`saddr=${0xc0000200}-${0xc00002ff} drop`]],
  ['-s 0.0.0.0/0 -j DROP', 4, ['drop']],
  ['! -s 128.0.0.0/1 -j DROP', 4, ['saddr=0-2147483647 drop']],
  ['! -s 10.0.0.0/8 -j DROP', 4, [`saddr=0-${0x09ffffff},${0x0b000000}-${0xffffffff} drop`]],
  ['-d 192.0.0.2/255.255.0.255 -j DROP', 4, [`daddr&${0xffff00ff}=${0xc0000002} drop`]],
  ['! -d 192.0.0.2/255.255.0.255 -j DROP', 4, [`!daddr&${0xffff00ff}=${0xc0000002} drop`]],
  ['-s 2001:db8::/32', 6, [`saddr=${0x20010db8n << 96n}-${(0x20010db9n << 96n) - 1n} continue`]],
  ['-p tcp -j DROP', 4, ['protocol=6 drop']],
  ['! -p tcp -j DROP', 4, ['protocol=0-5,7-255 drop']],
  // ip6_packet_match drops what it cannot find the protocol of
  ['-p udp -j DROP', 6, [`transport=${unreachable} hotdrop`, 'protocol=17 drop']],
  ['! -p udp -j DROP', 6, [`transport=${unreachable} hotdrop`, 'protocol=0-16,18-255 drop']],
  ['-f -j DROP', 4, ['fragment=1 drop']],
  ['! -f -j DROP', 4, ['fragment=0 drop']],
  [
    '-p udp -m udp --dport 53 -j DROP',
    4,
    [`protocol=17 transport=${notWhole} hotdrop`, `protocol=17 transport=${whole} dport=53 drop`],
  ],
  // what is asked once is asked by one item of each packet, and before what stands behind it
  [
    '-p tcp -m statistic --mode nth --every 2 --packet 0 -m tcp --dport 22 -j DROP',
    4,
    [
      `protocol=6 transport=${ports}-${overlap} nth:0.0 hotdrop`,
      `protocol=6 transport=${whole},${later}-7 nth:0.0 transport=${whole} dport=22 drop`,
    ],
  ],
  [
    '-s 192.0.2.1 -m statistic --mode random --probability 0.5 -m ttl --ttl-eq 64',
    4,
    [`saddr=${0xc0000201} chance ttl=64 continue`],
  ],
  [
    '-p tcp -m tcp ! --sport 1:1023 -j DROP',
    4,
    [
      `protocol=6 transport=${ports}-${overlap} hotdrop`,
      `protocol=6 transport=${whole} sport=0,1024-65535 drop`,
    ],
  ],
  [
    '-p tcp -m tcp --tcp-flags SYN,ACK SYN -j DROP',
    4,
    [`protocol=6 transport=${ports}-${overlap} hotdrop`, `protocol=6 transport=${whole} tcp-flags&18=2 drop`],
  ],
  [
    '-p tcp -m multiport --dports 80,22,81,8000:8010 -j DROP',
    4,
    [
      `protocol=6 transport=${short} hotdrop`,
      `protocol=6 transport=${whole}-${ports} dport=22,80-81,8000-8010 drop`,
    ],
  ],
  [
    '-p icmp -m icmp --icmp-type 3/3 -j DROP',
    4,
    [
      `protocol=1 transport=${notWhole} hotdrop`,
      `protocol=1 transport=${whole} icmp-type=3 icmp-code=3 drop`,
    ],
  ],
  ['-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT', 4, ['ctstate=2-3 accept']],
  ['-m conntrack ! --ctstate INVALID -j ACCEPT', 4, ['ctstate=1-7 accept']],
  // never true, but it asks for the header all the same
  ['-p icmp -m icmp ! --icmp-type any -j DROP', 4, [`protocol=1 transport=${notWhole} hotdrop`]],
  ['-p udp -m udp --dport 53 -m udp --dport 54', 4, [`protocol=17 transport=${notWhole} hotdrop`]],
  [
    '-p udp -m multiport --sports 0:65535 -m udp ! --sport 0:65535',
    4,
    [`protocol=17 transport=${short} hotdrop`, `protocol=17 transport=${ports} hotdrop`],
  ],
]

for (const [rule, family, items] of cases)
  test(`IPv${family}: ${rule || 'a rule without anything'}`, t => t.deepEqual(itemsOf(rule, family), items))

/** A device's name as the field has it: 16 bytes, the first the highest. */
const nameOf = (text: string, filled: number): bigint =>
  BigInt(`0x${Buffer.from(text).toString('hex').padEnd(32, filled.toString(16))}`)

test('a device is its name and the NUL behind it, a wildcard all that begins so', t => {
  const set = (field: FieldName, rule: string) =>
    ruleItems(ruleOf(rule, 4, 'FORWARD'), 0, { hook: 'nf-forward', family: 4 }, 4)[0]?.sets.get(field)
  t.deepEqual(set('iif', '-i eth0'), [{ low: nameOf('eth0', 0), end: nameOf('eth0\x01', 0) }])
  t.deepEqual(set('oif', '-o eth+'), [{ low: nameOf('eth', 0), end: nameOf('eti', 0) }])
  t.deepEqual(set('iif', '! -i eth+'), [
    { low: 0n, end: nameOf('eth', 0) },
    { low: nameOf('eti', 0), end: 1n << 128n },
  ])
  t.is(set('iif', '-i +'), undefined)
})

test('a fragment that is not the first is neither malformed nor does it match', t => {
  for (const rule of [
    '-p udp -m udp --dport 53',
    '-p tcp -m tcp --dport 53',
    '-p icmp -m icmp --icmp-type 8',
  ])
    for (const { sets } of ruleItems(ruleOf(rule, 4, 'INPUT'), 0, { hook: 'nf-input', family: 4 }, 4))
      t.false(
        (sets.get('transport') ?? []).some(({ low, end }) => low <= later && later < end),
        rule,
      )
})

test('a malformed list that a negated match finds is counted where all behind it holds, and dropped in any case', t => {
  const field = questionField({ kind: 'dccp-option', option: 32 })
  const common = `protocol=33 transport=${whole}`
  const { no, malformed } = answers
  t.deepEqual(itemsOf('-p dccp -m dccp ! --dccp-option 32 -m ttl --ttl-eq 64 -j ACCEPT'), [
    `protocol=33 transport=${notWhole} hotdrop`,
    `${common} ${field}=${malformed} ttl=64 drop`,
    `${common} ${field}=${malformed} hotdrop`,
    `${common} ${field}=${no} ttl=64 accept`,
  ])
  t.deepEqual(itemsOf('-p dccp -m dccp ! --dccp-option 32 -j ACCEPT').slice(1), [
    `${common} ${field}=${malformed} drop`,
    `${common} ${field}=${no} accept`,
  ])
})

test('a malformed list that a match finds behind one with an effect is refused where more stands behind', t => {
  const nth = '-p dccp -m statistic --mode nth --every 2 --packet 0'
  const list = '-m dccp ! --dccp-option 32'
  t.is(itemsOf(`${nth} ${list}`).length, 3)
  t.throws(() => itemsOf(`${nth} ${list} -m ttl --ttl-eq 64`), { instanceOf: RuleUntranslatable })
  t.is(itemsOf(`-p dccp ${list} -m statistic --mode nth --every 2 --packet 0`).length, 4)
})

test('what cannot be translated is told with the part of the rule', t => {
  const rule = ruleOf('-p tcp -m string --string x --algo bm -j DROP', 4, 'INPUT')
  const error = t.throws(() => ruleItems(rule, 0, { hook: 'nf-input', family: 4 }, 4), {
    instanceOf: RuleUntranslatable,
  })
  t.is(error.part, rule.matches[0])
})
