// The XML printer against iptables-xml, on the tables of rules and on random rule sets.

import { spawnSync } from 'node:child_process'
import test from 'ava'
import { parseSave, printRuleset, printXml } from 'iptables-parser'
import { fixtureFiles, ruleFile } from '../rules/extension-cases.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

function oracle(text: string, combine: boolean): string {
  const { stdout, error } = spawnSync('iptables-xml', combine ? ['-c'] : [], {
    input: text,
    encoding: 'utf8',
  })
  if (error) throw error
  return stdout
}

const SAMPLE = `*nat
COMMIT
*filter
:a - [0:0]
:empty - [0:0]
[3:4] -A INPUT -p tcp -m tcp --dport 22 -m comment --comment "hi <there> & \\"x\\" é" -j a
[0:0] -A INPUT -p tcp -m tcp --dport 22 -m comment --comment "hi <there> & \\"x\\" é" -j DROP
[0:0] -A INPUT -p tcp -m tcp --dport 22 -m comment --comment "hi <there> & \\"x\\" é" -j RETURN
[18446744073709551615:9223372036854775808] -A INPUT ! -s 192.0.2.1/32 ! -f -g a
[0:0] -A FORWARD -m comment --comment -j
[0:0] -A FORWARD -m comment --comment "-j" -j ACCEPT
[0:0] -A FORWARD ! -i eth0 -p tcp -m tcp ! --tcp-flags SYN,ACK SYN -j ACCEPT
[0:0] -A FORWARD -j ACCEPT
[0:0] -A OUTPUT
[0:0] -A OUTPUT
[0:0] -A a -m comment --comment x -j ACCEPT
COMMIT
`

for (const counters of [false, true])
  for (const combine of [false, true])
    kernelTest(`iptables-xml prints the same, counters ${counters}, combine ${combine}`, t => {
      const ruleset = parseSave(SAMPLE, { family: 4 })
      t.is(printXml(ruleset, { counters, combine }), oracle(printRuleset(ruleset, { counters }), combine))
    })

kernelTest('iptables-xml prints the same for every extension', t => {
  for (const file of fixtureFiles()) {
    const tables = file.cases
      .filter(one => one.printed !== undefined)
      .flatMap(one => parseSave(ruleFile(one), { family: one.family }).tables)
    const family = file.cases[0]?.family ?? 4
    const text = tables.map(table => printRuleset({ family, tables: [table] })).join('')
    t.is(printXml({ family, tables }), oracle(text, false), file.name)
  }
})

test('a rule set without tables is an empty document', t => {
  t.is(printXml({ family: 4, tables: [] }), '<iptables-rules version="1.0">\n</iptables-rules>\n')
})
