// Matches that read IPv6 extension headers, or bytes at places that rules name, at every hook against iptables-legacy: rules that only count, met by fixture
// packets and by chains of headers in odd orders, cut off everywhere.

import type { Family } from 'iptables-parser'
import { peerMac } from '../packet/link.ts'
import { programs, u32Tests } from './harness/byte-match.ts'
import { listCases } from './harness/list-match.ts'
import { bothWays, caseDisagreement, type MatchCase, probesOnAllPaths } from './harness/match-case.ts'
import { families, hookChoices } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const alone = (name: string, asked: readonly string[]): MatchCase => ({ name, asked: { all: asked } })

const headerKinds = [
  'hop-by-hop',
  'ipv6-opts',
  'ipv6-route',
  'ipv6-frag',
  'ah',
  'esp',
  'ipv6-nonxt',
  'protocol',
]

const ipv6Cases: readonly MatchCase[] = [
  alone('routing headers', [
    '-m rt',
    ...bothWays('rt', [
      '--rt-type 0',
      '--rt-type 2',
      '--rt-type 4294967295',
      '--rt-segsleft 0',
      '--rt-segsleft 1:4294967295',
      '--rt-segsleft 256',
      '--rt-len 24',
      '--rt-len 8',
    ]),
    '-m rt --rt-type 0 --rt-0-res',
    '-m rt --rt-segsleft 1 ! --rt-len 8 ! --rt-type 3',
  ]),
  alone('fragment headers', [
    '-m frag',
    ...bothWays('frag', ['--fragid 31', '--fragid 32:40', '--fraglen 8']),
    '-m frag --fragres',
    '-m frag --fragfirst',
    '-m frag --fragmore',
    '-m frag --fraglast',
    '-m frag ! --fragid 31 --fragfirst --fraglast --fragres',
  ]),
  alone('hop-by-hop and destination headers', [
    '-m hbh',
    '-m dst',
    ...bothWays('hbh', ['--hbh-len 8', '--hbh-len 16', '--hbh-len 65544']),
    ...bothWays('dst', ['--dst-len 8', '--dst-len 16', '--dst-len 0']),
    '-m hbh -m dst --dst-len 8',
  ]),
  alone('authentication headers', [
    '-m ah',
    ...bothWays('ah', ['--ahspi 256', '--ahspi 0:255', '--ahspi 4294967295', '--ahlen 24', '--ahlen 65560']),
    '-m ah ! --ahlen 0',
    '-m ah --ahres',
    '-p udp -m ah --ahspi 256 --ahres',
  ]),
  alone('addresses in routing headers', [
    ...[
      '2001:db8::3',
      '2001:db8::4',
      '2001:db8::3,2001:db8::4',
      '2001:db8::4,2001:db8::3',
      '2001:db8::3,2001:db8::3',
      '::',
    ].flatMap(addresses => [
      `-m rt --rt-type 0 --rt-0-addrs ${addresses}`,
      `-m rt --rt-type 0 --rt-0-addrs ${addresses} --rt-0-not-strict`,
    ]),
  ]),
  alone('options of headers', [
    ...[
      '1',
      '1:4',
      '1:12',
      '1:5',
      '0',
      '0,0',
      '5:2',
      '5:2,1:0',
      '1:4,0',
      '5,1',
      '254',
      '0,0,0,0,0,0',
      '0,1:1,0,0',
    ].flatMap(options => [`-m hbh --hbh-opts ${options}`, `-m dst --dst-opts ${options}`]),
    '-m dst ! --dst-len 8 --dst-opts 1',
  ]),
  alone(
    'segments',
    bothWays(
      'srh',
      ['psid', 'nsid', 'lsid'].flatMap(which =>
        ['2001:db8::3', '2001:db8::4', '2001:db8::/32', 'fd00::/8', '::/0'].map(
          prefix => `--srh-${which} ${prefix}`,
        ),
      ),
    ),
  ),
  alone('one header after the other', [
    '-m rt',
    '-m frag',
    '-m ah',
    '-m hbh',
    '-m dst',
    '-p tcp',
    '! -p tcp',
  ]),
  alone('one header before the other', ['-p tcp', '-m ah', '-m frag', '-m rt']),
  alone('kinds of headers', [
    ...bothWays(
      'ipv6header',
      headerKinds.flatMap(kind => [`--header ${kind}`, `--header ${kind} --soft`]),
    ),
    ...bothWays('ipv6header', [
      '--header hop-by-hop,protocol',
      '--header ipv6-opts,protocol',
      '--header ipv6-opts,protocol --soft',
      '--header ipv6-route,ipv6-frag,ah --soft',
      '--header ipv6-frag,protocol',
      '--header hop-by-hop,ipv6-opts,ipv6-route,ipv6-frag,ah,protocol',
    ]),
  ]),
  alone('kinds of headers beside ports', [
    '-m ipv6header --header frag --soft',
    '-p tcp --sport 80',
    '-p icmpv6 --icmpv6-type 128',
    '-p udp --dport 53',
  ]),
  alone(
    'mobility headers',
    bothWays('mh', ['--mh-type 0', '--mh-type 5:7', '--mh-type 255']).map(one => `-p mobility-header ${one}`),
  ),
  alone('segment routing headers', [
    '-m srh',
    ...bothWays('srh', [
      '--srh-next-hdr 6',
      '--srh-hdr-len-eq 2',
      '--srh-hdr-len-gt 1',
      '--srh-hdr-len-lt 255',
      '--srh-segs-left-eq 0',
      '--srh-segs-left-gt 0',
      '--srh-segs-left-lt 1',
      '--srh-segs-left-lt 0',
      '--srh-last-entry-eq 0',
      '--srh-last-entry-gt 255',
      '--srh-tag 0',
      '--srh-tag 256',
    ]),
  ]),
  {
    name: 'addresses made of MAC addresses',
    asked: { INPUT: ['-m eui64', '-p udp -m eui64'], FORWARD: ['-m eui64', '-p udp -m eui64'] },
  },
]

const commonCases: readonly MatchCase[] = [
  alone(
    'numbers at places',
    bothWays(
      'u32',
      u32Tests.map(test => `--u32 "${test}"`),
    ),
  ),
  alone(
    'classic programs',
    programs.map(program => `-m bpf --bytecode "${program}"`),
  ),
  alone('numbers and programs beside other matches', [
    `-p tcp -m u32 --u32 "${u32Tests[1]}"`,
    `-p udp -m bpf --bytecode "${programs[0]}" -m u32 ! --u32 "${u32Tests[5]}"`,
    `-p tcp -m tcp --dport 22 -m bpf --bytecode "${programs[7]}"`,
    `-m u32 --u32 "${u32Tests[1]}"`,
  ]),
]

const casesOf: Readonly<Record<Family, readonly MatchCase[]>> = {
  4: commonCases,
  6: [...ipv6Cases, ...commonCases],
}

/** An address whose lower half is made of a MAC address. */
const addressOf = (mac: string): string => {
  const [a = 0, b, c, d, e, f] = mac.split(':').map(byte => Number.parseInt(byte, 16))
  const hex = (...bytes: readonly (number | undefined)[]) =>
    bytes.map(byte => (byte ?? 0).toString(16).padStart(2, '0')).join('')
  return `2001:db8::${hex(a ^ 2, b)}:${hex(c, 0xff)}:${hex(0xfe, d)}:${hex(e, f)}`
}

const headers: Readonly<Record<number, readonly string[]>> = {
  0: ['hopopt', 'hopopt options=050200000100', 'hopopt len=1'],
  60: [
    'dstopt',
    'dstopt options=010c000000000000000000000000',
    'dstopt options=000000000000',
    'dstopt options=000101000000',
    'dstopt options=01ff00000000',
    'dstopt options=050200000100',
    'dstopt options=05020000feff',
    'dstopt options=000000000001',
    'dstopt len=3',
    'dstopt next=59 len=9',
    'dstopt next=50 len=9',
  ],
  43: [
    'route',
    'route type=0',
    'route type=0 left=1 data=0000000020010db8000000000000000000000003',
    'route type=0 data=0000000120010db8000000000000000000000003',
    'route type=4 left=0 data=0000000020010db8000000000000000000000003',
    'route type=4 left=1 data=0000000020010db8000000000000000000000003',
    'route type=4 left=1 data=0100010020010db800000000000000000000000320010db8000000000000000000000004',
    'route type=4 left=0 data=0000000120010db8000000000000000000000003',
    'route type=0 left=1 data=0000000020010db800000000000000000000000320010db8000000000000000000000004',
    'route type=0 left=1 data=0000000020010db80000000000000000000000090000000020010db8000000000000000000000004000000000000000000000000',
    'route type=0 data=00000000000000000000000020010db8000000000000000000000003000000000000000020010db8000000000000000000000004',
    'route type=0 data=00000000',
    'route type=0 data=0000000020010db800000000000000000000000320010db800000000000000000000000320010db8000000000000000000000004',
    'route type=4 left=1 data=0200000020010db800000000000000000000000320010db800000000000000000000000420010db8000000000000000000000003',
    'route type=4 left=2 data=0300000020010db800000000000000000000000320010db8000000000000000000000004',
    'route len=200',
  ],
  44: [
    'frag id=31',
    'frag more=1 id=32',
    'frag offset=1 id=40',
    'frag offset=3 more=1 id=50',
    'frag id=4294967295',
  ],
  51: ['ah', 'ah spi=4294967295', 'ah spi=255 len=0', 'ah len=255', 'ah icv=0102'],
  50: ['esp'],
}

const cuts = [
  'hopopt cut=1',
  'dstopt cut=2',
  'route cut=3',
  'route cut=4',
  'route cut=7',
  'frag cut=2',
  'frag cut=3',
  'frag cut=4',
  'frag cut=7',
  'ah cut=2',
  'ah cut=8',
  'ah cut=11',
  'ah len=0 cut=12',
  'esp cut=1',
  'esp cut=2',
]

const kinds = Object.values(headers)
const first = kinds.flatMap(forms => forms.slice(0, 1))

/** Each header alone, in every form; every two kinds behind one another; three of the forms in some orders; headers cut off behind others. */
const chains: readonly string[] = [
  ...kinds.flat(),
  ...cuts,
  ...kinds.flatMap(forms =>
    first.flatMap(other => [`${forms.at(-1)} / ${other}`, `${other} / ${forms[1] ?? other}`]),
  ),
  ...first.flatMap(one => cuts.map(cut => `${one} / ${cut}`)),
  'dstopt / hopopt / route / ah / frag / dstopt',
  'route / route type=0 / route type=4',
  'frag id=31 / frag offset=4 id=32 / ah',
  'frag offset=2 / dstopt / route',
  'ah / ah spi=1 / dstopt / dstopt options=010c000000000000000000000000',
]

const mobility = [
  '3b00000000000000',
  '3b00050000000000',
  '3b00ff000000',
  '3b0005',
  '3b00050000',
  '06000000000000',
  '3bff05000000',
]

const ipv6Packets: readonly string[] = [
  ...chains.flatMap(chain => [`ether / ip6 / ${chain} / tcp dport=22`, `ether / ip6 / ${chain}`]),
  ...mobility.map(bytes => `ether / ip6 next=135 / raw hex=${bytes}`),
  'ether / ip6 / frag next=135 offset=1 / raw hex=3b00050000000000',
  'ether / ip6 / dstopt next=135 / raw hex=3b00050000000000',
  'ether / ip6 next=43 / raw hex=3b00',
  'ether / ip6 next=43 / raw hex=060000',
  'ether / ip6 next=44 / raw hex=06ff0006000000ff',
  'ether / ip6 next=51 / raw hex=0601ffff00000100',
  'ether / ip6 next=50 / raw hex=00',
  'ether / ip6 next=60',
  `ether / ip6 src=${addressOf(peerMac)} / udp`,
  `ether / ip6 src=${addressOf(peerMac)} / tcp dport=22`,
  `ether src=02:00:00:00:00:77 / ip6 src=${addressOf(peerMac)} / udp`,
  `ether src=00:11:22:33:44:55 / ip6 src=${addressOf('00:11:22:33:44:55')} / udp`,
  `ether src=00:11:22:33:44:55 / ip6 src=${addressOf('02:11:22:33:44:55')} / udp`,
  `ether src=00:11:22:33:44:55 / vlan / ip6 src=${addressOf('00:11:22:33:44:55')} / udp`,
  `ether src=00:11:22:33:44:55 / ip6 src=${addressOf('00:11:22:33:44:55')} / frag offset=1 / udp`,
  `ether / ip6 src=${addressOf('00:00:00:00:00:00')} / udp`,
  `ether / ip6 src=2001:db8:: / udp`,
]

const more: Readonly<Record<Family, readonly string[]>> = {
  4: [
    'ether / ip / udp',
    'ether / ip / udp / raw zeros=1400',
    'ether / ip proto=253 / raw hex=ffffffff',
    'ether / ip options=01010101 / tcp dport=22 flags=syn',
    'ether / ip / tcp dport=22 flags=syn options=020405b4 / raw hex=ffffffffffff',
    'ether / ip offset=2 proto=6 / raw zeros=24',
  ],
  6: ipv6Packets,
}

for (const hook of hookChoices)
  for (const family of families)
    kernelTest(`IPv${family} at ${hook}: matches on bytes count what iptables-legacy counts`, async t => {
      t.timeout(10 * 60_000)
      const probes = probesOnAllPaths(family, more[family])
      for (const match of casesOf[family])
        t.is(await caseDisagreement(hook, family, match, probes), undefined, match.name)
    })

for (const hook of hookChoices)
  for (const family of families)
    kernelTest(`IPv${family} at ${hook}: matches on lists count what iptables-legacy counts`, async t => {
      t.timeout(10 * 60_000)
      for (const { name, rules, packets } of listCases(family))
        t.is(
          await caseDisagreement(hook, family, alone(name, rules), probesOnAllPaths(family, packets)),
          undefined,
          name,
        )
    })
