import test from 'ava'
import { headersOf, parseCommand, type Rule, RuleError } from 'iptables-parser'
import { type ExamplePacket, examplePacket } from '../../../src/explain/packet.ts'
import { withMatches } from '../../../src/explain/words.ts'

function example(words: string, family: 4 | 6 = 4, chain = 'INPUT'): ExamplePacket {
  const command = parseCommand(['-A', chain, ...withMatches(words.split(' ').filter(Boolean))], family)
  const rule: Rule | undefined = command.kind === 'append' ? command.rules[0] : undefined
  if (!rule) throw new Error('no rule')
  return examplePacket(rule, family)
}

test('a packet is what the words say, nothing made up', t => {
  const { packet, assumed } = example(
    '-i eth0 -p tcp -s 192.0.2.1 --sport 40000 -d 198.51.100.2 --dport 22 --syn --ctstate ESTABLISHED --mark 7',
  )
  t.deepEqual(assumed, [])
  t.is(
    Buffer.from(packet.bytes).toString('hex'),
    '450000280000000040060000c0000201c63364029c400016000000000000000050020000000000 00'.replace(' ', ''),
  )
  t.is(packet.inInterface, 'eth0')
  t.is(packet.mark, 7)
  t.deepEqual(packet.conntrack, { state: 'ESTABLISHED' })
})

test('what is not said is made up, and said to be', t => {
  t.deepEqual(example('--protocol udp').assumed, [
    '-s 192.0.2.1',
    '-d 198.51.100.1',
    '--sport 40000',
    '--dport 9',
    '--ctstate NEW',
  ])
  t.deepEqual(example('-p icmp -s 192.0.2.9 -d 192.0.2.8 --icmp-type ping --state NEW').assumed, [])
})

test('IPv6 has its own headers', t => {
  const { packet } = example('-p udp -s 2001:db8::5 -d 2001:db8::6 --dport 53 --hl-eq 3 --length 60', 6)
  t.is(packet.bytes.length, 60)
  t.is(packet.bytes[7], 3)
  const { source, destination, protocol, transport } = headersOf(packet)
  t.deepEqual([source & 0xffn, destination & 0xffn, protocol, transport], [5n, 6n, 17, 40])
})

test('a later fragment has no ports to ask for', t => {
  t.is(headersOf(example('-p udp -f').packet).fragmentOffset, 2048)
})

const faults: Readonly<Record<string, string>> = {
  '-p udp -s 192.0.2.0/24': 'a packet has one address, not a network of them',
  '-p udp --dport 1:2': 'a packet has one port on either side, not a range of them',
  '--ctstate NEW,ESTABLISHED': 'a packet is in one state',
  '--ctstate DNAT': 'a packet is in one state',
  '-p tcp -f --dport 22': 'no packet is all of this',
  '-p tcp ! --dport 22': 'no packet is all of this',
  '-p tcp --length 30': 'no packet of 30 bytes has these headers',
  '-m limit': '-m limit does not describe a packet',
}

for (const [words, message] of Object.entries(faults))
  test(`${words}: ${message}`, t => {
    t.throws(() => example(words), { instanceOf: RuleError, message })
  })
