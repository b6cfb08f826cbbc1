import test from 'ava'
import { parseSave, tableOf } from 'iptables-parser'
import { deadParts } from '../../translator/dead.ts'

/** `CHAIN NUMBER` of the rules that no packet meets, with what takes their packets; and chains by their names. */
function dead(rules: readonly string[], family: 4 | 6 = 4): string[] {
  const table = tableOf(parseSave(['*filter', ...rules, 'COMMIT', ''].join('\n'), { family }), 'filter')
  if (!table) throw new Error('no table')
  const parts = deadParts(table, family)
  return [
    ...parts.rules.map(
      ({ chain, number, reason }) =>
        `${chain} ${number} ${reason.kind === 'shadowed' ? `by ${reason.by.join(' ')}` : reason.kind}`,
    ),
    ...parts.chains.map(({ name }) => name),
  ]
}

const cases: Readonly<Record<string, readonly [rules: readonly string[], ...dead: readonly string[]]>> = {
  'a wider rule before': [
    ['-A INPUT -s 192.0.2.0/24 -j DROP', '-A INPUT -p tcp -s 192.0.2.7 -j ACCEPT'],
    'INPUT 2 by 1',
  ],
  'two halves make a whole': [
    [
      '-A INPUT -s 192.0.2.0/25 -j DROP',
      '-A INPUT -p udp -j DROP',
      '-A INPUT -s 192.0.2.128/25 -j ACCEPT',
      '-A INPUT -s 192.0.2.0/24 -j DROP',
    ],
    'INPUT 4 by 1 2 3',
  ],
  'a gap is enough to be met': [
    [
      '-A INPUT -p tcp --dport 1:99 -j DROP',
      '-A INPUT -p tcp --dport 101:200 -j DROP',
      '-A INPUT -p tcp --dport 1:200 -j DROP',
    ],
  ],
  'rules that let packets past take nothing': [
    ['-A INPUT -s 192.0.2.0/24', '-A INPUT -s 192.0.2.7 -j ACCEPT'],
  ],
  'what is asked beside the box takes nothing for sure': [
    ['-A INPUT -s 192.0.2.1/255.0.255.255 -j DROP', '-A INPUT -s 192.0.2.1 -j DROP'],
  ],
  'a chain that decides everything takes its packets': [
    [
      ':own -',
      '-A INPUT -p tcp -j own',
      '-A INPUT -p tcp --dport 22 -j ACCEPT',
      '-A own -s 192.0.2.1 -j ACCEPT',
      '-A own -j DROP',
    ],
    'INPUT 2 by 1',
  ],
  'one that returns some does not': [
    [':own -', '-A INPUT -j own', '-A INPUT -j ACCEPT', '-A own -s 192.0.2.1 -j RETURN', '-A own -j DROP'],
  ],
  'a rule behind everything, and the chain only it leads to': [
    [':late -', '-A INPUT -j ACCEPT', '-A INPUT -p tcp -j late', '-A late -j DROP'],
    'INPUT 2 by 1',
    'late',
  ],
  'a chain that nothing leads to': [[':alone -', '-A alone -j DROP'], 'alone'],
  'it contradicts itself': [['-A INPUT -p tcp ! --dport 0:65535 -j DROP'], 'INPUT 1 contradiction'],
}

for (const [title, [rules, ...expected]] of Object.entries(cases))
  test(title, t => {
    t.deepEqual(dead(rules), [...expected])
  })

test('a long list of single addresses is looked through by address', t => {
  const rules = Array.from({ length: 3000 }, (_, n) => `-A INPUT -s 10.0.${n >> 8}.${n & 255} -j DROP`)
  t.deepEqual(dead([...rules, '-A INPUT -s 10.0.7.9 -p tcp -j ACCEPT']), [`INPUT 3001 by ${7 * 256 + 9 + 1}`])
})
