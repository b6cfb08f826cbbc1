// Most rules come to items in one go. Whatever a rule asks, those are the ones it comes to step by step.

import test from 'ava'
import fc from 'fast-check'
import { type Family, parseSave, type Rule } from 'iptables-parser'
import { earlyItems, earlyItemsStepByStep } from '../../translator/early.ts'
import { type Item, itemsStepByStep, ruleItems } from '../../translator/item.ts'
import { earlyLane, type Lane } from '../../translator/lane.ts'
import { plainSets } from '../../translator/plain-sets.ts'

const not = fc.constantFrom(...Array(9).fill(''), '! ')
const address4 = fc.constantFrom(
  '192.0.2.1',
  '192.0.2.0/24',
  '128.0.0.0/1',
  '0.0.0.0/0',
  '10.0.0.1/255.0.0.255',
  '0.0.0.0',
)
const address6 = fc.constantFrom('2001:db8::1', '2001:db8::/32', '::/0', '8000::/1')
const ports = fc.constantFrom('80', '0', '65535', '0:65535', '1024:65535', '0:1023')
const option = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant(''),
    fc.tuple(not, value).map(([before, text]) => `${before}${name} ${text} `),
  )
const portOptions = fc.tuple(option('--sport', ports), option('--dport', ports))
const tcp = fc
  .tuple(
    portOptions,
    option('--tcp-flags', fc.constantFrom('SYN SYN', 'ALL NONE')),
    option('--tcp-option', fc.constant('5')),
  )
  .map(([asked, ...more]) => `-p tcp -m tcp ${[...asked, ...more].join('')}`)
const udp = portOptions.map(asked => `-p udp -m udp ${asked.join('')}`)
const more = fc.constantFrom(
  '-m conntrack --ctstate NEW ',
  '-m conntrack ! --ctstate RELATED,ESTABLISHED ',
  '-m conntrack --ctstate DNAT --ctdir REPLY ',
  '-m statistic --mode random --probability 0.5 ',
  '-m tos --tos 8 ',
  '-m length --length 100 ',
)
const protocol = fc.oneof(
  tcp,
  tcp,
  udp,
  udp.map(text => `${text}-m udp --sport 9 `),
  udp.map(text => `${text}-m comment --comment x `),
  fc.tuple(fc.oneof(tcp, udp), more, fc.oneof(fc.constant(''), more)).map(parts => parts.join('')),
  fc.tuple(more, udp).map(([asked, text]) => `-p udp ${asked}${text.replace('-p udp ', '')}`),
  option('-p', fc.constantFrom('tcp', 'icmp', '47')),
)
const device = option('-i', fc.constantFrom('lo', 'eth+'))
const outer = fc.tuple(fc.oneof(fc.constant(''), fc.constant(''), device), fc.constantFrom('', '', '', '-f '))
const remark = fc.constantFrom('', '', '-m comment --comment y ')
const target = fc.constantFrom('-j ACCEPT', '-j DROP', '-j RETURN', '-j user', '-g user', '')

const rules = (family: Family) => {
  const address = family === 4 ? address4 : address6
  return fc
    .tuple(option('-s', address), option('-d', address), outer, fc.tuple(remark, protocol), target)
    .map(([source, destination, [device, fragment], asked, last]) => {
      const rest = asked.join('')
      const isFirst = family === 4 && !rest.includes('-p')
      return `-A INPUT ${source}${destination}${device}${isFirst ? fragment : ''}${rest}${last}`
    })
}

const ruleOf = (text: string, family: Family): Rule => {
  const [rule] =
    parseSave(`*filter\n:user - [0:0]\n${text}\nCOMMIT\n`, { family }).tables[0]?.chains[0]?.rules ?? []
  if (!rule) throw new Error(`no rule in ${text}`)
  return rule
}

const described = (items: readonly Item[]): object[] => items.map(item => ({ ...item, sets: [...item.sets] }))

const early = earlyLane('xdp', [])

for (const family of [4, 6] as const)
  test(`rules of IPv${family} come to the items that they come to step by step`, t => {
    const lane: Lane = { hook: 'nf-input', family }
    let plain = 0
    fc.assert(
      fc.property(rules(family), text => {
        const rule = ruleOf(text, family)
        if (plainSets(rule, family)) plain++
        t.deepEqual(
          described(ruleItems(rule, 7, lane, family)),
          described(itemsStepByStep(rule, 7, lane, family)),
          text,
        )
        t.deepEqual(
          described(earlyItems(rule, 7, early, family)),
          described(earlyItemsStepByStep(rule, 7, early, family)),
          text,
        )
      }),
      { numRuns: 2000 },
    )
    t.true(plain > 200, `${plain} rules were plain`)
  })
