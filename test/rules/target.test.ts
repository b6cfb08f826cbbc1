import test from 'ava'
import { EvaluationError, evaluate, type Packet, parseSave } from 'iptables-parser'
import { build } from '../packet/build.ts'
import { parsePacket } from '../packet/text.ts'

const packet: Packet = {
  family: 4,
  bytes: build(parsePacket('ip / udp dport=53')),
  inInterface: 'eth0',
  outInterface: '',
}

const meet = (table: 'raw' | 'filter', lines: readonly string[], what: Packet = packet) => {
  const chain = table === 'raw' ? 'PREROUTING' : 'INPUT'
  const rules = lines.map(line => `-A ${chain} ${line}`)
  const ruleset = parseSave([`*${table}`, ...rules, 'COMMIT', ''].join('\n'), { family: 4 })
  const { verdict, path } = evaluate(ruleset, table, chain, what)
  return { verdict, numbers: path.map(step => step.number) }
}

test('what NOTRACK leaves alone is untracked to the rules behind it', t => {
  const rules = ['-m conntrack --ctstate UNTRACKED', '-j NOTRACK', '-m conntrack --ctstate UNTRACKED -j DROP']
  t.deepEqual(meet('raw', rules), { verdict: 'drop', numbers: [2, 3] })
  const tracked: Packet = { ...packet, conntrack: { state: 'ESTABLISHED' } }
  t.deepEqual(meet('raw', rules, tracked), { verdict: 'accept', numbers: [2, 0] })
})

test('the packet that was given stays as it was', t => {
  const before = packet.bytes.slice()
  meet('filter', ['-j MARK --set-mark 1'])
  t.deepEqual(packet.bytes, before)
  t.is(packet.mark, undefined)
})

test('targets that write or count something let the packet go on, REJECT drops it', t => {
  const rules = ['-j LOG', '-j NFLOG --nflog-group 3', '-j AUDIT --type accept', '-j REJECT', '-j ACCEPT']
  t.deepEqual(meet('filter', rules), { verdict: 'drop', numbers: [1, 2, 3, 4] })
})

test('a verdict left to a program is not guessed', t => {
  t.throws(() => meet('filter', ['-j NFQUEUE']), { instanceOf: EvaluationError, message: /-j NFQUEUE/ })
  t.throws(() => meet('filter', ['-j TARPIT --tarpit']), {
    instanceOf: EvaluationError,
    message: /-j TARPIT/,
  })
})
