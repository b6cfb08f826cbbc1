import test from 'ava'
import fc from 'fast-check'
import { type Family, parseSave, type Rule } from 'iptables-parser'
import { meeting, reachOf, reachSize } from '../../../../src/service/incremental/reach.ts'
import { narrowedTo } from '../../../../translator/edit/overlay.ts'
import { FieldSets } from '../../../../translator/field-sets.ts'
import { ruleItems } from '../../../../translator/item.ts'

const ruleOf = (text: string, family: Family): Rule => {
  const save = `*filter\n:INPUT ACCEPT [0:0]\n-A INPUT ${text}\nCOMMIT\n`
  const [rule] = parseSave(save, { family }).tables.flatMap(({ chains }) =>
    chains.flatMap(({ rules }) => rules),
  )
  if (!rule) throw new Error(text)
  return rule
}

const meet = (a: string, b: string, family: Family): boolean =>
  meeting(
    Uint32Array.from(reachOf(ruleOf(a, family), family)),
    { from: 0, end: 1, most: 1 },
    reachOf(ruleOf(b, family), family),
    family,
  ).length > 0

const boxesOf = (text: string, family: Family): FieldSets[] =>
  ruleItems(ruleOf(text, family), 0, { hook: 'nf-input', family }, family).map(({ sets }) =>
    FieldSets.of(sets),
  )

for (const [a, b, family, met] of [
  ['-s 10.0.0.0/8', '-s 10.1.2.3', 4, true],
  ['-s 10.0.0.0/8', '-s 11.1.2.3', 4, false],
  ['-s 10.0.0.0/8', '! -s 10.0.0.0/8', 4, true],
  ['-s 10.0.0.0/8 -d 192.0.2.1', '-d 192.0.2.2', 4, false],
  ['-p tcp', '-p udp', 4, false],
  ['-p tcp', '! -p udp', 4, true],
  ['-p tcp', '-p udp', 6, true],
  ['-s 10.0.0.0/255.0.255.0', '-s 11.0.0.0/8', 4, true],
  ['-s 2001:db8::/64', '-s 2001:db8::ffff', 6, true],
  ['-s 2001:db8::1', '-s 2001:db8::2', 6, false],
  ['-s 2001:db8::/127', '-s 2001:db8:0:0:1::', 6, false],
] as const)
  test(`IPv${family}: "${a}" and "${b}" have ${met ? 'perhaps' : 'no'} packets in common`, t => {
    t.is(meet(a, b, family), met)
    t.is(meet(b, a, family), met)
    t.is(reachOf(ruleOf(a, family), family).length, reachSize(family))
  })

const address = (family: Family) =>
  fc
    .tuple(fc.nat(15), fc.nat(4), fc.boolean(), fc.constantFrom('-s', '-d'))
    .map(([value, free, negated, side]) => {
      const text =
        family === 4 ? `10.0.0.${value}/${32 - free}` : `2001:db8::${value.toString(16)}/${128 - free}`
      return `${negated ? '! ' : ''}${side} ${text}`
    })

const rule = (family: Family) =>
  fc
    .tuple(
      fc.option(address(family)),
      fc.constantFrom('', '-p tcp', '! -p tcp', '-p udp --dport 53', '-p tcp --sport 1:9'),
    )
    .map(parts => parts.filter(part => part).join(' '))

for (const family of [4, 6] as const)
  test(`IPv${family}: rules whose boxes meet are never told apart`, t => {
    fc.assert(
      fc.property(rule(family), rule(family), (a, b) => {
        const others = boxesOf(b, family)
        const common = boxesOf(a, family).some(sets => narrowedTo(sets, others, family).length > 0)
        if (common) t.true(meet(a, b, family), `${a} / ${b}`)
      }),
    )
    t.pass()
  })
