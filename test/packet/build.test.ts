import { readdirSync, readFileSync } from 'node:fs'
import test from 'ava'
import { ipv6Bytes } from './address.ts'
import { build } from './build.ts'
import { concat, toHex } from './bytes.ts'
import { crc32c, internetChecksum } from './checksum.ts'
import { fragments } from './fragment.ts'
import { pseudoHeader } from './network.ts'
import { formatPacket, parsePacket, parseTable } from './text.ts'

const hex = (text: string): string => toHex(build(parsePacket(text)))

/** Seen from dist/test/packet. */
const tables = new URL('../../../fixtures/packets/', import.meta.url)

test('the Internet checksum is that of the example in RFC 1071 §3', t => {
  const bytes = Uint8Array.from([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7])
  t.is(internetChecksum(bytes), ~0xddf2 & 0xffff)
})

test('CRC32c has the catalogued check value, in the order SCTP writes it', t => {
  t.is(crc32c(new TextEncoder().encode('123456789')).toString(16), '839206e3')
})

test('IPv6 addresses are read in all three forms', t => {
  t.is(toHex(ipv6Bytes('2001:db8::8:0:1')), '20010db8000000000000000800000001')
  t.is(toHex(ipv6Bytes('::')), '0'.repeat(32))
  t.is(toHex(ipv6Bytes('::ffff:192.0.2.1')), '00000000000000000000ffffc0000201')
  for (const wrong of ['1:2', '1::2::3', '1:2:3:4:5:6:7:8::', '12345::', '1:2:3:4:5:6:7:8:9', 'g::']) {
    t.throws(() => ipv6Bytes(wrong), { instanceOf: RangeError }, wrong)
  }
})

test('a TCP SYN in a frame, byte for byte', t => {
  const frame = hex('ether / ip src=192.0.2.1 dst=192.0.2.2 flags=df / tcp sport=1024 dport=22 flags=syn,ack')
  t.is(
    frame,
    [
      '020000000001020000000002',
      '0800',
      '45000028000140004006b6cb',
      'c0000201',
      'c0000202',
      '0400001600000001000000005012ffff27b8',
      '0000',
    ].join(''),
  )
})

test('tags carry the ethertype of what they tag', t => {
  const frame = hex('ether / vlan tpid=0x88a8 vid=5 pcp=3 / vlan vid=7 / ip6')
  t.is(frame.slice(24, 24 + 20), '88a860058100000786dd')
})

test('extension headers chain, pad to eight bytes and count their length', t => {
  const packet = hex(
    'ip6 / hopopt / dstopt options=0102 / route / frag offset=3 more=1 id=9 / ah / tcp cut=0',
  )
  t.is(packet.slice(12, 14), '00')
  t.is(
    packet.slice(80),
    [
      '3c00010400000000',
      '2b00010200000000',
      `2c020200${'0'.repeat(40)}`,
      '3300001900000009',
      `06040000${'00000100'}${'00000001'}${'0'.repeat(24)}`,
    ].join(''),
  )
})

test('cutting a layer shortens what the layers around it count, cutting the frame does not', t => {
  t.is(hex('ip / tcp cut=7').slice(4, 8), '001b')
  t.is(hex('ip / tcp cut=7').length / 2, 27)
  t.is(hex('ether cut=41 / ip / tcp').slice(32, 36), '0028')
  t.is(hex('ether cut=41 / ip / tcp').length / 2, 41)
  t.is(hex('ether pad=60 / ip / udp').length / 2, 60)
})

test('given fields are written as they are', t => {
  const header = hex('ip version=7 ihl=3 length=9 ttl=0 proto=200 check=0xbeef / udp')
  t.is(header.slice(0, 24), '7300000900010000' + '00c8beef')
})

test('transport checksums are right over both families', t => {
  const segments = ['tcp dport=22 options=020405b4', 'udp', 'udplite', 'dccp', 'icmp6 type=135'].map(
    text => `${text} / raw hex=010203`,
  )
  for (const around of [
    { kind: 'ip', dst: '198.51.100.7' },
    { kind: 'ip6', src: 'fe80::1' },
  ] as const) {
    for (const segment of segments) {
      const inner = parsePacket(segment)
      const packet = build([around, ...inner])
      const protocol = packet[around.kind === 'ip' ? 9 : 6] ?? 0
      const bytes = packet.subarray(around.kind === 'ip' ? 20 : 40)
      t.is(internetChecksum(concat(pseudoHeader(around, protocol, bytes.length), bytes)), 0, segment)
    }
  }
})

test('a computed UDP checksum of zero is sent as all ones', t => {
  const sums = Array.from({ length: 0x10000 }, (_, port) =>
    build([{ kind: 'ip' }, { kind: 'udp', sport: port }]).subarray(26, 28),
  )
  t.is(sums.filter(([a, b]) => a === 0 && b === 0).length, 0)
  t.is(sums.filter(([a, b]) => a === 0xff && b === 0xff).length, 1)
})

for (const text of ['ether / ip / tcp / raw zeros=100', 'ether / ip6 / tcp / raw zeros=100']) {
  test(`fragments put together are the packet: ${text}`, t => {
    const whole = parsePacket(text)
    const parts = fragments(whole, 50, 77).map(build)
    const header = text.includes('ip6') ? 14 + 40 + 8 : 14 + 20
    t.is(parts.length, 3)
    t.deepEqual(
      concat(...parts.map(part => part.subarray(header))),
      build(whole).subarray(text.includes('ip6') ? 14 + 40 : 14 + 20),
    )
    const positions = parts.map(part =>
      toHex(part.subarray(text.includes('ip6') ? 56 : 20, text.includes('ip6') ? 58 : 22)),
    )
    t.deepEqual(positions, text.includes('ip6') ? ['0001', '0031', '0060'] : ['2000', '2006', '000c'])
  })
}

test('what is no packet is refused by name', t => {
  t.throws(() => parsePacket('ether / ipx'), { message: /no such header: "ipx"/ })
  t.throws(() => parsePacket('ip colour=1'), { message: /ip has no field "colour"/ })
  t.throws(() => parsePacket('ip toString=1'), { message: /ip has no field "toString"/ })
  t.throws(() => parsePacket('ip ttl=many'), { message: /not a number: "many"/ })
  t.throws(() => parsePacket('tcp flags=syn,sin'), { message: /no such flag: "sin"/ })
  t.throws(() => build(parsePacket('ip src=1.2.3.256')), { instanceOf: RangeError })
  t.throws(() => parseTable('\nx ether'), { message: /line 2/ })
})

for (const file of readdirSync(tables).filter(name => name.endsWith('.txt'))) {
  test(`${file}: every packet builds and reads back as printed, names are unique`, t => {
    const table = parseTable(readFileSync(new URL(file, tables), 'utf8'))
    t.true(table.length > 30)
    t.is(new Set(table.map(({ name }) => name)).size, table.length)
    for (const { name, packet } of table) {
      t.true(build(packet).length >= 14, name)
      t.deepEqual(parsePacket(formatPacket(packet)), packet, name)
    }
  })
}
