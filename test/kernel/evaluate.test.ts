// The reference evaluator against iptables-legacy: every fixture packet that gets as far as raw PREROUTING, and what each rule has
// counted of them there. Chains are not cut short by verdicts, only by packets that a match finds malformed.

import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  evaluate,
  type Family,
  type Packet,
  type PacketType,
  parseSave,
  type Step,
  type TableName,
} from 'iptables-parser'
import { build } from '../packet/build.ts'
import { peerMac } from '../packet/link.ts'
import { parsePacket } from '../packet/text.ts'
import { fixtureProbes } from './harness/fixture-probes.ts'
import { type Host, openHost } from './harness/host.ts'
import { datagramOf, type Path, type Probe } from './harness/probe.ts'
import { topologyOf } from './harness/topology.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

/** Of its own, so that tests do not wait for each other. */
const lock = join(tmpdir(), `bpft-evaluate-${process.pid}.lock`)

const path: Path = { hook: 'INPUT', device: 'eth0' }

/** What the fixture packets lack. */
const more: Readonly<Record<Family, readonly string[]>> = {
  4: [
    'ether / ip tos=0x10 / tcp dport=22 options=0204ffff',
    'ether / ip tos=0xff / tcp dport=22 options=01020405b401',
    'ether / ip / sctp dport=3868 / raw hex=0007001400000001000000000000000061626364',
    'ether / ip / sctp dport=3868 / raw hex=000300140000000100000000000000006162636404000008000100040600000800010004',
    'ether / ip proto=108 / raw hex=0600000100000000',
    'ether / ip proto=108 / raw hex=060000',
    'ether / ip proto=51 / raw hex=06040000000010000000000000000000',
    'ether / ip tos=0x03 / tcp dport=22 flags=syn,ece,cwr',
    'ether / ip / udp / raw hex=616263646566414243444546616263',
  ],
  6: [
    'ether / ip6 next=135 / raw hex=3b00050000000000',
    'ether / ip6 next=135 / raw hex=3b00000000000000',
    'ether / ip6 next=135 / raw hex=3b0007',
    'ether / ip6 next=135 / raw hex=0600050000000000',
    'ether / ip6 / dstopt / frag / udp / raw zeros=4',
    'ether / ip6 next=51 / raw hex=110400000000100000000001000000000000000000000000 / udp',
    'ether / ip6 next=51 / raw hex=3b0400010000100100000001000000000000000000000000',
    'ether / ip6 next=51 / raw hex=3b04000000001002',
    'ether / ip6 src=2001:db8::200:ff:fe00:2 / udp',
    'ether / ip6 / dccp dport=5001 / raw zeros=4',
    'ether / ip6 next=108 / raw hex=0600000100000000',
    'ether / ip6 / route type=0 left=1 data=0000000020010db800000000000000000000000320010db8000000000000000000000004 / udp',
    'ether / ip6 / route type=0 left=2 data=0000000120010db800000000000000000000000320010db8000000000000000000000004 / udp',
    'ether / ip6 / route type=4 left=1 data=0100000120010db800000000000000000000000320010db8000000000000000000000004 / udp',
    'ether / ip6 / route type=4 left=0 data=0100010020010db800000000000000000000000320010db8000000000000000000000004 / udp',
    'ether / ip6 / route type=4 left=2 data=0100000020010db800000000000000000000000320010db8000000000000000000000004 / udp',
    'ether / ip6 / route type=4 left=0 data=00000000 / tcp dport=22',
    'ether / ip6 / route len=30 / udp',
    'ether / ip6 / sctp dport=3868 / raw hex=0003001400000001000000000000000061626364',
  ],
}

/** Classic programs, as -m bpf takes them. */
const programs = [
  // the packet is longer than 60 bytes
  '4,128 0 0 0,37 0 1 60,6 0 0 1,6 0 0 0',
  // -((first word) * 0x10001 ^ 0xdeadbeef) << 7 >> 3, modulo 7, is more than 2
  '10,32 0 0 0,36 0 0 65537,164 0 0 3735928559,132 0 0 0,100 0 0 7,116 0 0 3,148 0 0 7,37 0 1 2,6 0 0 1,6 0 0 0',
  // the first word less the second, divided by the third, or'ed with the fourth's length nibble
  '11,32 0 0 8,7 0 0 0,32 0 0 4,2 0 0 3,32 0 0 0,28 0 0 0,3 0 0 5,96 0 0 3,60 0 0 0,92 0 0 0,22 0 0 0',
  // division by 0 ends a program
  '4,1 0 0 0,32 0 0 0,60 0 0 0,6 0 0 1',
  // the first byte's nibble points behind an IPv4 header without options; two bytes from there
  '5,177 0 0 0,72 0 0 2,21 0 1 22,6 0 0 65535,6 0 0 0',
  // the last four bytes
  '3,129 0 0 0,64 0 0 4294967292,22 0 0 0',
  // beyond the end
  '2,32 0 0 60,6 0 0 1',
  // relative to the network header, the ninth byte
  '4,48 0 0 4293918729,21 0 1 17,6 0 0 1,6 0 0 0',
  // the protocol of the frame, the mark, A ^ X
  '4,40 0 0 4294963200,21 0 1 2048,6 0 0 1,6 0 0 0',
  '2,32 0 0 4294963220,22 0 0 0',
  '5,32 0 0 4,7 0 0 0,32 0 0 0,32 0 0 4294963240,22 0 0 0',
  // shifts by X, which the kernel takes modulo 32
  '6,48 0 0 7,7 0 0 0,0 0 0 1,108 0 0 0,84 0 0 4080,22 0 0 0',
  '8,1 0 0 4294967295,0 0 0 3,12 0 0 0,44 0 0 0,124 0 0 0,69 0 1 1,22 0 0 0,6 0 0 0',
].map(program => `-m bpf --bytecode "${program}"`)

/** Each group is a chain of its own. */
const common: readonly (readonly string[])[] = [
  [
    '-m length --length 48',
    '-m length ! --length 40:60',
    '-m length --length 1400:',
    '-m length --length :39',
  ],
  ['-m tos --tos 0x10', '-m tos ! --tos 0/0x03', '-m tos --tos Minimize-Delay', '-m tos --tos 5/0'],
  [
    `-m mac --mac-source ${peerMac}`,
    `-m mac ! --mac-source ${peerMac}`,
    '-m mac --mac-source 02:00:00:00:00:77',
  ],
  ['unicast', 'broadcast', 'multicast', 'otherhost'].flatMap(type => [
    `-m pkttype --pkt-type ${type}`,
    `-m pkttype ! --pkt-type ${type}`,
  ]),
  ['-m mark --mark 0', '-m mark ! --mark 0', '-m mark --mark 1/0', '-m mark ! --mark 4/4'],
  ['-m dscp --dscp 4', '-m dscp ! --dscp 0'],
  ['-m ecn --ecn-ip-ect 3', '-m ecn ! --ecn-ip-ect 0'],
  ['-p tcp -m ecn --ecn-tcp-cwr', '-p tcp -m ecn ! --ecn-tcp-ece'],
  ['-p ah -m ah --ahspi 0:0x1000', '-p ah -m ah ! --ahspi 0', '-p ah -m ah'],
  ['-p esp -m esp --espspi 0x1000', '-p esp -m esp ! --espspi 0x1000'],
  ['-p ipcomp -m ipcomp --ipcompspi 0:1', '-p ipcomp -m ipcomp --ipcompspi 5'],
  ['-p dccp -m dccp --dport 5001', '-p dccp -m dccp --dccp-types REQUEST,DATA'],
  ['-p dccp -m dccp ! --dccp-types RESET', '-p dccp -m dccp ! --dccp-option 32'],
  ['-p dccp -m dccp --dccp-option 1'],
  programs,
  ['-m devgroup --src-group 0', '-m devgroup ! --src-group 0', '-m devgroup ! --src-group 1/1'],
  ['-p tcp -m tcpmss --mss 1460'],
  ['-p tcp -m tcpmss ! --mss 1:1459'],
  ['-p sctp -m sctp --dport 3868', '-p sctp -m sctp ! --sport 0:1023', '-p sctp -m sctp ! --dport :'],
  ['-p sctp -m sctp ! --chunk-types any INIT'],
  ['-p sctp -m sctp ! --chunk-types any INIT -m length --length 36:'],
  ['any', 'all', 'only'].flatMap(how => [
    `-p sctp -m sctp --chunk-types ${how} DATA:BE`,
    `-p sctp -m sctp --chunk-types ${how} DATA:u,HEARTBEAT`,
    `-p sctp -m sctp --chunk-types ${how} NONE`,
    `-p sctp -m sctp --chunk-types ${how} ALL`,
    `-p sctp -m sctp --chunk-types ${how} DATA,HEARTBEAT,ABORT`,
  ]),
  ['bm', 'kmp'].flatMap(algorithm => [
    `-m string --string abc --algo ${algorithm}`,
    `-m string ! --string DEF --algo ${algorithm}`,
    `-m string --string BCDEFA --algo ${algorithm} --icase`,
    `-m string --hex-string "|00000000|" --algo ${algorithm} --from 20`,
    `-m string --string abc --algo ${algorithm} --from 29`,
    `-m string --string abc --algo ${algorithm} --to 31`,
    `-m string --string abc --algo ${algorithm} --to 30`,
  ]),
]

const asked: Readonly<Record<Family, readonly (readonly string[])[]>> = {
  4: [
    ...common,
    [
      '-m iprange --src-range 192.0.2.0-192.0.2.1',
      '-m iprange ! --src-range 192.0.2.1-192.0.2.255 --dst-range 0.0.0.0-223.255.255.255',
      '-m iprange --src-range 192.0.2.9-192.0.2.0',
      '-m iprange ! --src-range 192.0.2.9-192.0.2.0',
    ],
    ['-m ttl --ttl-eq 64', '-m ttl ! --ttl-eq 64', '-m ttl --ttl-lt 2', '-m ttl --ttl-gt 64'],
    [
      '-m u32 --u32 "0>>22&0x3C@0>>16=22,1024:65535"',
      '-m u32 ! --u32 "6&0xff=6"',
      '-m u32 --u32 "6&0xff=6&&4&0x1fff=0&&0>>22&0x3c@12>>26&0x3c@0=0:0xffffffff"',
      '-m u32 --u32 "16=0xc0000202&&36=0"',
      '-m u32 --u32 "8<<8>>24=6,17"',
    ],
  ],
  6: [
    ...common,
    ['-m iprange --src-range 2001:db8::-2001:db8::1', '-m iprange ! --dst-range 2001:db8::2-2001:db8::2'],
    [
      '-m ipv6header --header hop-by-hop --soft',
      '-m ipv6header ! --header dst --soft',
      '-m ipv6header --header protocol',
      '-m ipv6header ! --header protocol',
      '-m ipv6header --header dst,protocol',
      '-m ipv6header --header frag,protocol --soft',
      '-m ipv6header ! --header frag,route --soft',
      '-m ipv6header --header none',
      '-m ipv6header --header esp',
      '-m ipv6header --header dst,none,hop',
    ],
    ['-m hl --hl-eq 64', '-m hl ! --hl-eq 64', '-m hl --hl-lt 2', '-m hl --hl-gt 64'],
    ['-m hbh', '-m hbh --hbh-len 8', '-m hbh ! --hbh-len 8'],
    ['-m hbh --hbh-opts 5', '-m hbh --hbh-opts 5:2', '-m hbh --hbh-opts 1,1', '-m hbh --hbh-opts 194:4'],
    ['-m dst', '-m dst --dst-len 8', '-m dst ! --dst-len 8', '-m dst --dst-opts 1', '-m dst --dst-opts 94'],
    [
      '-m frag',
      '-m frag --fragmore',
      '-m frag --fraglast',
      '-m frag --fragfirst',
      '-m frag --fragid 31:34',
      '-m frag ! --fragid 31',
      '-m frag --fraglen 8',
      '-m frag --fragres',
    ],
    ['-m eui64'],
    [
      '-m ah',
      '-m ah --ahspi 0x1000',
      '-m ah ! --ahspi 0x1000:0x1001',
      '-m ah --ahlen 24',
      '-m ah ! --ahlen 24',
      '-m ah ! --ahlen 0',
      '-m ah --ahres',
    ],
    ['-p mh -m mh --mh-type bu', '-p mh -m mh ! --mh-type bu', '-p mh -m mh'],
    [
      '-m rt',
      '-m rt --rt-type 0',
      '-m rt ! --rt-type 2',
      '-m rt --rt-segsleft 1',
      '-m rt ! --rt-segsleft 1:2',
      '-m rt --rt-len 24',
      '-m rt --rt-type 0 --rt-0-res',
      '-m rt --rt-type 0 --rt-0-addrs 2001:db8::3',
      '-m rt --rt-type 0 --rt-0-addrs 2001:db8::3,2001:db8::4',
      '-m rt --rt-type 0 --rt-0-addrs 2001:db8::4 --rt-0-not-strict',
      '-m rt --rt-type 0 --rt-0-addrs 2001:db8::4,2001:db8::3 --rt-0-not-strict',
    ],
    [
      '-m srh',
      '-m srh --srh-next-hdr 17',
      '-m srh ! --srh-next-hdr 17',
      '-m srh --srh-hdr-len-gt 2',
      '-m srh ! --srh-hdr-len-lt 3',
      '-m srh --srh-segs-left-eq 1',
      '-m srh --srh-last-entry-eq 1',
      '-m srh --srh-tag 1',
      '-m srh --srh-tag 256',
      '-m srh --srh-psid 2001:db8::4',
      '-m srh ! --srh-psid 2001:db8::3',
      '-m srh --srh-nsid 2001:db8::/32',
      '-m srh ! --srh-nsid 2001:db8::4',
      '-m srh --srh-lsid 2001:db8::3',
      '-m srh ! --srh-lsid ::/0',
    ],
    ['-m u32 --u32 "4&0xff=1"', '-m u32 --u32 "4>>8&0xff=43&&40>>16&0xff=0:2"', '-m u32 ! --u32 "60=0"'],
  ],
}

/** In the mangle table, whose targets change what the rules behind them see. */
const commonChanges: readonly (readonly string[])[] = [
  [
    '-j MARK --set-mark 5/0xf',
    '-m mark --mark 5',
    '-p tcp -j MARK --or-mark 0x10',
    '-m mark --mark 0x15',
    '-j MARK --xor-mark 0xffffffff',
    '-m mark --mark 0xffffffea',
    '-j MARK --and-mark 0xf',
    '-m mark --mark 0xa',
  ],
  [
    '-p udp -j TOS --set-tos 0x12/0x3f',
    '-m tos --tos 0x12/0x3f',
    '-j TOS --xor-tos 0xff',
    '-m tos --tos 0xed',
    '-m tos --tos 0x80/0x80',
  ],
  ['-j DSCP --set-dscp-class EF', '-m dscp --dscp 0x2e', '-m tos --tos 0xb8', '-m ecn --ecn-ip-ect 3'],
]

const changes: Readonly<Record<Family, readonly (readonly string[])[]>> = {
  4: [
    ...commonChanges,
    [
      '-j TTL --ttl-inc 200',
      '-m ttl --ttl-eq 255',
      '-j TTL --ttl-dec 100',
      '-m ttl --ttl-eq 155',
      '-p tcp -j TTL --ttl-set 7',
      '-m ttl --ttl-eq 7',
      '-j TTL --ttl-dec 60',
      '-m ttl --ttl-eq 0',
    ],
    // halves of the header checksum's range, which is as good as random
    ...['-j TTL --ttl-dec 1', '-j TOS --xor-tos 0x55', '-j DSCP --set-dscp 0x15'].map(change => [
      change,
      '-m u32 --u32 "8&0xffff=0:0x7fff"',
      '-m u32 --u32 "8&0x5555=0:0x2aaa"',
      '-m u32 --u32 "8&0x00ff=0:0x7f"',
      '-m u32 --u32 "8&0x000f=0:7"',
    ]),
  ],
  6: [
    ...commonChanges,
    [
      '-j HL --hl-inc 200',
      '-m hl --hl-eq 255',
      '-j HL --hl-dec 100',
      '-m hl --hl-eq 155',
      '-p tcp -j HL --hl-set 7',
      '-m hl --hl-eq 7',
    ],
    ['-j TOS --set-tos 0xa5', '-m u32 --u32 "0>>20=0x6a5"', '-m u32 --u32 "0&0xfffff=0"'],
  ],
}

test.after.always(() => rmSync(lock, { force: true }))

/** As iptables-save text; the first rule counts all. */
const ruleFile = (rules: readonly string[], table: TableName = 'raw'): string =>
  [`*${table}`, ...['', ...rules].map(rule => `-A PREROUTING -i eth0 ${rule}`), 'COMMIT', ''].join('\n')

const command = (family: Family, verb: string): string =>
  `${family === 4 ? 'iptables' : 'ip6tables'}-legacy-${verb}`

function load(host: Host, rules: readonly string[], table?: TableName): void {
  host.run(command(host.topology.family, 'restore'), [], ruleFile(rules, table), { XTABLES_LOCKFILE: lock })
}

/** Packets and bytes of every rule, in order. */
function counted(host: Host, table: TableName = 'raw'): readonly string[] {
  const saved = host.run(command(host.topology.family, 'save'), ['-c', '-t', table])
  return [...saved.matchAll(/^\[(\d+:\d+)\] -A/gm)].map(([, counters = '']) => counters)
}

/** The packets that the kernel lets as far as the chain. */
function arriving(host: Host, probes: readonly Probe[]): readonly Probe[] {
  load(host, [])
  let before = counted(host).join()
  return probes.filter(probe => {
    host.send([probe])
    const after = counted(host).join()
    const arrived = after !== before
    before = after
    return arrived
  })
}

function typeOf(frame: Uint8Array): PacketType {
  if (frame.subarray(0, 6).every(byte => byte === 0xff)) return 'broadcast'
  return ((frame[0] ?? 0) & 1) === 0 ? 'unicast' : 'multicast'
}

/** As the chain sees it: cut to the length its header tells. */
function received(family: Family, { packet }: Probe): Packet {
  const frame = build(packet)
  const bytes = build(datagramOf(packet) ?? [])
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = family === 4 ? view.getUint16(2) : view.getUint16(4) + 40
  const jumbo = family === 6 && length === 40 && bytes[6] === 0
  return {
    family,
    bytes: jumbo ? bytes : bytes.subarray(0, length),
    inInterface: 'eth0',
    outInterface: '',
    type: typeOf(frame),
    sourceMac: frame.subarray(6, 12).reduce((address, byte) => address * 256 + byte, 0),
  }
}

/** What the evaluator says each rule counts. */
function expected(
  family: Family,
  rules: readonly string[],
  probes: readonly Probe[],
  table: TableName = 'raw',
): readonly string[] {
  const ruleset = parseSave(ruleFile(rules, table), { family })
  const met = probes.flatMap(probe => {
    const packet = received(family, probe)
    return evaluate(ruleset, table, 'PREROUTING', packet).path.map((step: Step) => ({ step, packet }))
  })
  return ['', ...rules].map((_, index) => {
    const own = met.filter(({ step }) => step.number === index + 1)
    return `${own.length}:${own.reduce((sum, { packet }) => sum + packet.bytes.length, 0)}`
  })
}

/** The raw table comes before conntrack, so no connection is known there. */
const aboutConnections = [
  '-m conntrack --ctstate INVALID',
  '-m conntrack ! --ctstate NEW --ctproto 6',
  '-m conntrack --ctproto 6',
  '-m conntrack --ctdir ORIGINAL ! --ctstatus NONE',
  '-m connmark --mark 0',
  '-m connmark ! --mark 1',
  '-m connlabel --label 5',
  '-m connlabel ! --label 5',
  '-m helper --helper ""',
  '-m helper ! --helper ftp',
  '-m connbytes ! --connbytes 5 --connbytes-mode bytes --connbytes-dir both',
]

/** Sends packets at rules, and says where the evaluator does not count what the kernel counts. */
function differences(
  host: Host,
  rules: readonly string[],
  probes: readonly Probe[],
  table?: TableName,
): readonly string[] {
  load(host, rules, table)
  host.send(probes)
  const actual = counted(host, table)
  return expected(host.topology.family, rules, probes, table).flatMap((counters, index) =>
    counters === actual[index] ? [] : [`${rules[index - 1]}: ${counters}, but ${actual[index]}`],
  )
}

for (const family of [4, 6] as const) {
  kernelTest(`IPv${family}: the evaluator counts what iptables-legacy counts`, t => {
    const host = openHost(topologyOf(family, ['eth0', 'eth1']))
    t.teardown(() => host.close())
    const own = more[family].map(text => ({ name: text, packet: parsePacket(text), path }))
    const probes = arriving(host, [...fixtureProbes(family, [path]), ...own])
    t.true(probes.length > 60)
    for (const rules of asked[family]) t.deepEqual(differences(host, rules, probes), [])
    for (const rules of changes[family]) t.deepEqual(differences(host, rules, probes, 'mangle'), [])
  })

  kernelTest(`IPv${family}: without a connection the evaluator counts what iptables-legacy counts`, t => {
    const host = openHost(topologyOf(family, ['eth0', 'eth1']))
    t.teardown(() => host.close())
    // whole datagrams: asking for connections puts fragments together
    const probes = ['tcp dport=22', 'udp dport=53'].map(transport => {
      const name = `ether / ${family === 4 ? 'ip' : 'ip6'} / ${transport}`
      return { name, packet: parsePacket(name), path }
    })
    t.deepEqual(differences(host, aboutConnections, probes), [])
  })
}

test('a packet is cut to the length its header tells', t => {
  const probe = { name: '', path, packet: parsePacket('ether pad=100 / ip length=24 / udp') }
  t.is(received(4, probe).bytes.length, 24)
})
