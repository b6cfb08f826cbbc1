import test from 'ava'
import { parseSave } from 'iptables-parser'
import { kernelTestNeeding } from '../needs-kernel.ts'
import { aim } from './aim.ts'
import { disagreement, legacyCounters } from './differential.ts'
import { legacy } from './firewall.ts'
import { seeded } from './random.ts'
import { features, randomRules } from './random-rules.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const families = [4, 6] as const

/** Rules that can all be met, some only by way of two callers' conditions and past rules that take most packets. */
const rules = {
  4: `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:inner - [0:0]
:outer - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate INVALID -j DROP
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A INPUT -s 10.0.0.0/8 ! -i ppp+ -j outer
-A INPUT -p tcp -m multiport --dports 22,8000:8010 -j ACCEPT
-A FORWARD -i ppp+ -o docker0 -p udp -m udp --sport 53 -j ACCEPT
-A FORWARD -d 198.51.100.0/30 -p tcp -m tcp --tcp-flags SYN,ACK SYN,ACK -j ACCEPT
-A OUTPUT -o eth1 -p 47
-A OUTPUT ! -d 192.0.2.0/24 -p tcp -m tcp --tcp-option 8 -j DROP
-A inner -p tcp -m tcp --dport 80 -j ACCEPT
-A inner -s 10.1.2.3/32 -j RETURN
-A outer -s 10.1.0.0/16 -p tcp -j inner
-A outer -s 10.1.2.0/24 -g inner
COMMIT
`,
  6: `*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:inner - [0:0]
:outer - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m state --state INVALID -j DROP
-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type 128 -j ACCEPT
-A INPUT -s fd00::/8 ! -i ppp+ -j outer
-A FORWARD -i ppp+ -o docker0 -p udp -m udp --sport 53 -j ACCEPT
-A FORWARD -d 2001:db8:7::/126 -p tcp -m tcp ! --dport 1:1023 -j ACCEPT
-A OUTPUT -o eth1 -p 47
-A inner -p tcp -m tcp --dport 80 -j ACCEPT
-A inner -s fd00:1:2::3/128 -j RETURN
-A outer -s fd00:1::/32 -p tcp -j inner
-A outer -s fd00:1:2::/48 -g inner
COMMIT
`,
} as const

const unmet = (lines: readonly string[]): readonly string[] =>
  lines.filter(line => /^\[0:\d+\] -A /.test(line))

test('the same seed chooses the same, another seed something else', t => {
  const draw = (seed: number) => {
    const random = seeded(seed)
    return Array.from({ length: 20 }, () => random.below(1000))
  }
  t.deepEqual(draw(1), draw(1))
  t.notDeepEqual(draw(1), draw(2))
  t.true(draw(3).every(value => Number.isInteger(value) && value >= 0 && value < 1000))
  t.deepEqual(seeded(1).sample([1, 2, 3], 9), [1, 2, 3])
  t.throws(() => seeded(1).pick([]), { instanceOf: RangeError })
})

for (const family of families) {
  test(`IPv${family}: random rules use only the features asked for, and parse`, t => {
    const text = randomRules({ seed: 1, family, features: ['tcp', 'prefix'], rules: 200 })
    t.notRegex(text, /user-|!|-i |-o |udp|icmp|multiport|ctstate|--tcp-flags|-g |RETURN/)
    t.regex(text, /-p tcp -m tcp .*--dport/)
    for (const feature of features)
      t.notThrows(() => parseSave(randomRules({ seed: 2, family, features: [feature] }), { family }))
  })

  test(`IPv${family}: aim makes the same packets from the same seed, as many as asked for`, t => {
    const ruleset = parseSave(randomRules({ seed: 5, family }), { family })
    t.deepEqual(aim(ruleset, { seed: 9 }), aim(ruleset, { seed: 9 }))
    t.notDeepEqual(aim(ruleset, { seed: 9 }), aim(ruleset, { seed: 10 }))
    for (const limit of [10, 50, 400]) t.is(aim(ruleset, { seed: 9, limit }).probes.length, limit)
  })

  kernelTest(`IPv${family}: aimed packets meet every rule that can be met`, async t => {
    const text = rules[family]
    for (const seed of [1, 2, 3]) {
      const { topology, probes } = aim(parseSave(text, { family }), { seed })
      t.deepEqual(unmet(await legacyCounters({ topology, rules: text, probes })), [], `seed ${seed}`)
    }
  })

  kernelTest(
    `IPv${family}: iptables-legacy takes random rules and agrees with itself over packets aimed at them`,
    async t => {
      for (let seed = 1; seed <= 4; seed++) {
        const text = randomRules({ seed, family })
        const experiment = { rules: text, ...aim(parseSave(text, { family }), { seed }) }
        t.is(await disagreement(legacy, experiment), undefined, `seed ${seed}`)
      }
    },
  )
}
