// What matches ask of a packet's connection and of the machine around it: facts that travel with the packet, not in it.

import test from 'ava'
import {
  type Conntrack,
  EvaluationError,
  type MatchResult,
  type Packet,
  parseSave,
  ruleMatches,
} from 'iptables-parser'

const packet: Packet = { family: 4, bytes: new Uint8Array(40), inInterface: 'eth0', outInterface: 'eth1' }

const address = (a: number, b: number, c: number, d: number): bigint =>
  BigInt(((a * 256 + b) * 256 + c) * 256 + d)

/** The reply half of a connection to a port of this machine that was sent on to another (DNAT). */
const connection: Conntrack = {
  state: 'ESTABLISHED',
  dnat: true,
  direction: 'REPLY',
  original: {
    protocol: 6,
    source: address(192, 0, 2, 7),
    destination: address(198, 51, 100, 1),
    sourcePort: 40000,
    destinationPort: 80,
  },
  reply: {
    protocol: 6,
    source: address(10, 0, 0, 5),
    destination: address(192, 0, 2, 7),
    sourcePort: 8080,
    destinationPort: 40000,
  },
  status: ['SEEN_REPLY', 'ASSURED', 'CONFIRMED'],
  expires: 300,
  mark: 0x15,
  labels: [3, 127],
  helper: 'ftp',
  counters: { ORIGINAL: { packets: 3n, bytes: 400n }, REPLY: { packets: 2n, bytes: 3000n } },
}

function matches(match: string, facts: Partial<Packet>): MatchResult {
  const text = `*filter\n-A FORWARD -m ${match}\nCOMMIT\n`
  const [rule] =
    parseSave(text, { family: 4 }).tables[0]?.chains.find(({ name }) => name === 'FORWARD')?.rules ?? []
  if (!rule) throw new Error('no rule')
  return ruleMatches(rule, { ...packet, ...facts })
}

interface Table {
  readonly facts: Partial<Packet>
  readonly yes: readonly string[]
  readonly no: readonly string[]
}

function check(title: string, { facts, yes, no }: Table): void {
  test(title, t => {
    t.deepEqual(
      yes.filter(match => matches(match, facts) !== true),
      [],
    )
    t.deepEqual(
      no.filter(match => matches(match, facts) !== false),
      [],
    )
  })
}

check('conntrack asks of the connection', {
  facts: { conntrack: connection },
  yes: [
    'conntrack --ctstate NEW,ESTABLISHED --ctproto tcp',
    'conntrack --ctstate DNAT',
    'conntrack --ctorigsrc 192.0.2.0/24 --ctorigdst 198.51.100.1 --ctreplsrc 10.0.0.99/16 --ctrepldst 192.0.2.7',
    'conntrack ! --ctorigsrc 10.0.0.0/8',
    'conntrack --ctorigsrcport 1024: --ctorigdstport 80 --ctreplsrcport 8000:8080 --ctrepldstport 40000',
    'conntrack --ctstatus EXPECTED,ASSURED',
    'conntrack ! --ctstatus NONE',
    'conntrack --ctexpire 300 --ctdir REPLY',
    'conntrack ! --ctexpire 301:',
  ],
  no: [
    'conntrack --ctstate INVALID',
    'conntrack --ctstate ESTABLISHED --ctproto udp',
    'conntrack ! --ctstate DNAT',
    'conntrack --ctorigdst 10.0.0.5',
    'conntrack --ctreplsrc 198.51.100.1',
    'conntrack --ctorigdstport 8080',
    'conntrack --ctstatus EXPECTED',
    'conntrack --ctstatus NONE',
    'conntrack --ctexpire :299',
    'conntrack --ctdir ORIGINAL',
  ],
})

check('without a connection conntrack asks the state alone', {
  facts: { conntrack: { state: 'UNTRACKED' } },
  yes: ['conntrack --ctstate UNTRACKED --ctproto tcp --ctdir REPLY', 'conntrack ! --ctstate INVALID'],
  no: ['conntrack --ctproto tcp', 'conntrack ! --ctproto tcp', 'conntrack --ctstate INVALID'],
})

check('marks, labels and helpers of the connection', {
  facts: { conntrack: connection },
  yes: [
    'connmark --mark 0x15',
    'connmark --mark 0x5/0xf',
    'connmark ! --mark 0x25/0xf',
    'connlabel --label 127',
    'connlabel ! --label 4',
    'helper --helper ftp',
    'helper --helper ftp-2121',
    'helper --helper ""',
    'helper ! --helper sip',
  ],
  no: [
    'connmark --mark 0x5',
    'connmark --mark 0x25/0xf',
    'connlabel --label 4',
    'connlabel ! --label 3',
    'helper --helper ft',
    'helper ! --helper ""',
  ],
})

check('no helper is another than every helper', {
  facts: { conntrack: { ...connection, helper: '' } },
  yes: ['helper ! --helper ftp', 'helper ! --helper ""'],
  no: ['helper --helper ftp', 'helper --helper ""'],
})

const counted = (range: string, mode: string, direction: string): string =>
  `connbytes --connbytes ${range} --connbytes-mode ${mode} --connbytes-dir ${direction}`

check('connbytes asks what the connection has counted', {
  facts: { conntrack: connection },
  yes: [
    counted('3:3', 'packets', 'original'),
    counted('5', 'packets', 'both'),
    counted(':3400', 'bytes', 'both'),
    counted('133:133', 'avgpkt', 'original'),
    counted('680:680', 'avgpkt', 'both'),
    'connbytes ! --connbytes 6: --connbytes-mode packets --connbytes-dir both',
  ],
  no: [
    counted('3', 'packets', 'reply'),
    counted(':2999', 'bytes', 'reply'),
    counted('681', 'avgpkt', 'both'),
  ],
})

check('where the kernel does not count, connbytes does not match, negated or not', {
  facts: { conntrack: { state: 'NEW' } },
  yes: [],
  no: [
    counted('0', 'bytes', 'both'),
    'connbytes ! --connbytes 5 --connbytes-mode bytes --connbytes-dir both',
  ],
})

check('addresses are what routing says, devices are of groups', {
  facts: { sourceType: 'UNICAST', destinationType: 'LOCAL', inGroup: 0x12, outGroup: 7 },
  yes: [
    'addrtype --src-type UNICAST --dst-type LOCAL,BROADCAST',
    'addrtype ! --src-type LOCAL',
    'devgroup --src-group 0x2/0xf --dst-group 7',
    'devgroup ! --dst-group default',
  ],
  no: [
    'addrtype --src-type LOCAL',
    'addrtype ! --dst-type LOCAL',
    'devgroup --src-group 2',
    'devgroup --dst-group 8',
  ],
})

test('what is not said of a packet is not guessed', t => {
  const asked = [
    'conntrack --ctstatus ASSURED',
    'conntrack --ctorigsrc 192.0.2.1',
    'conntrack --ctdir REPLY',
    'connmark --mark 1',
    'connlabel --label 1',
    'helper --helper ftp',
    'addrtype --dst-type LOCAL',
    'addrtype --dst-type LOCAL --limit-iface-in',
    'connlabel --label 1 --set',
    'bpf --bytecode "2,32 0 0 4294963224,6 0 0 1"',
    'bpf --object-pinned /sys/fs/bpf/filter',
    'connlimit --connlimit-above 5',
  ]
  for (const match of asked)
    t.throws(() => matches(match, { conntrack: { state: 'NEW' } }), { instanceOf: EvaluationError }, match)
})
