// Random lines of rule files, most of them as they are printed or as people write them, and each now and then spelled otherwise, or wrong.

import fc from 'fast-check'
import type { Family } from 'iptables-parser'

/** An option with one of the values that it is plain with, or now and then with another. */
const option = (name: string, good: readonly string[], odd: readonly string[]): fc.Arbitrary<string> =>
  fc
    .oneof(
      { arbitrary: fc.constantFrom(...good), weight: 12 },
      { arbitrary: fc.constantFrom(...odd), weight: 1 },
    )
    .map(value => `${name} ${value}`)

const addresses = {
  4: {
    good: ['192.0.2.1/32', '192.0.2.1', '10.0.0.0/8', '128.0.0.0/1', '0.0.0.0/3'],
    odd: [
      '10.0.0.1/8',
      '0.0.0.0/0',
      '192.0.2.01/32',
      '192.0.2.256/32',
      '1.2.3/24',
      '192.0.2.0/024',
      '192.0.2.0/33',
      '192.0.2.0/255.255.255.0',
      '10.1.1.1/32,10.1.1.2/32',
      '192.0.2.1/32/8',
      '::1/128',
    ],
  },
  6: {
    good: ['2001:db8::1/128', 'fe80::1', '2001:db8::/32', '::1/128', '8000::/1', '::ffff:1.2.3.4/128'],
    odd: [
      '2001:DB8::/32',
      '2001:db8:0::/32',
      '2001:db8::1/32',
      '::/0',
      '::ffff:102:304/128',
      '192.0.2.1/32',
      '2001:db8::/0032',
      '2001:db8::/129',
      '2001:db8::/ffff::',
    ],
  },
} as const

const port = (name: string): fc.Arbitrary<string> =>
  option(
    name,
    ['22', '0', '65535', '1:2', '0:1024', '1024:65535'],
    [
      '65536',
      '022',
      '0x16',
      '2:1',
      '5:5',
      '0:65535',
      ':1024',
      '1024:',
      '1:2:3',
      'ssh',
      '',
      '22,23',
      '-1',
      '99999999999',
    ],
  )

const target = fc.oneof(
  {
    arbitrary: option(
      '-j',
      ['ACCEPT', 'DROP', 'RETURN', 'a', 'c.d'],
      ['LOG', 'INPUT', 'nope', '"DROP"', 'accept', 'REJECT', 'QUEUE', 'SNAT', 'x'.repeat(29), '-a'],
    ),
    weight: 3,
  },
  { arbitrary: option('-g', ['a'], ['ACCEPT', 'nope', 'FORWARD']), weight: 1 },
)

const protocol = option(
  '-p',
  ['tcp', 'udp', 'tcp', 'udp', 'icmp', 'gre', '6', '47', '200'],
  ['TCP', 'all', 'ip', '0', '256', '017', '0x11', 'none', 'udplite'],
)

const mostly = (usual: string, ...others: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: fc.constant(usual), weight: 30 },
    { arbitrary: fc.constantFrom(...others), weight: 1 },
  )

/** What more a rule may ask, whatever its protocol: as it is printed, and now and then otherwise. */
const general: fc.Arbitrary<string> = fc.oneof(
  option('-m comment --comment', ['"a b"', 'a-b', '"it is so"'], ['"ab"', '""', '-a', '"a\\"b"', '"a']),
  option('-m mac --mac-source', ['02:00:00:00:00:0a'], ['02:00:00:00:00:0A', '2:0:0:0:0:a', '02:00']),
  option('-m conntrack --ctstate', ['NEW', 'RELATED,ESTABLISHED'], ['ESTABLISHED,RELATED', 'new', 'nope']),
  option('-m limit', ['--limit 5/min', '--limit 5/min --limit-burst 7'], ['--limit 5/minute', '--lim 1/s']),
  option('-m set --match-set', ['a src', 'b dst,src'], ['-s src', '"a b" src', 'a']),
  option('-m mark', ['--mark 0x1', '! --mark 0x1/0x3'], ['--mark 1', '--mark']),
  option('-m addrtype', ['--dst-type LOCAL'], ['--dst-type local', '--src-type LOCAL --limit-iface-out']),
)

/** So many ports. */
const ports = (count: number): string => Array.from({ length: count }, (_, at) => at).join()

const multiports = fc.oneof(
  option('-m multiport --dports', ['22,80', '1:2,3', '22'], ['5:5', '080', '1:2:3', ports(16), '22,', 'ssh']),
  option('-m multiport', ['--sports 1', '--ports 1,2'], ['', '! --dports 1', '--source-ports 1']),
)

/** A protocol and what may be asked of it. */
const particular: fc.Arbitrary<readonly [protocol: string, extra: fc.Arbitrary<string>]> = fc.constantFrom(
  ['', general],
  ['! -p tcp', general],
  ['-p udp', multiports],
  ['-p icmp', option('-m icmp --icmp-type', ['8', '3/1'], ['echo-request', '"8"', '999'])],
  ['-p tcp', multiports],
  [
    '-p tcp',
    option(
      '-m tcp',
      ['--tcp-flags SYN,RST SYN', '! --dport 22', '--dport 22', '--sport 1:2 --tcp-flags SYN,RST SYN'],
      ['--syn', '--dport 1 --dport 2', '--sport 0:65535'],
    ),
  ],
)

const actions = option(
  '-j',
  [
    'REJECT --reject-with icmp-port-unreachable',
    'LOG --log-prefix "a b: " --log-level 6',
    'MARK --set-xmark 0x1/0xffffffff',
    'LOG',
    'CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff',
  ],
  [
    'REJECT --reject-with tcp-reset',
    'TCPMSS --set-mss 1400',
    'LOG --log-prefix ab',
    'MARK --set-mark 1',
    'LOG --log-level 6 -s 10.0.0.0/8',
    'x',
  ],
)

/** As most rules are. */
const extended = (family: Family): fc.Arbitrary<readonly string[]> =>
  fc
    .tuple(
      fc.constantFrom('', '', `-s ${addresses[family].good[0]}`),
      mostly('', '-i eth0', '-i lo', '-i br+', '-i +', '-i "eth0"', '-i abcdefghijklmnop'),
      mostly('', '-o eth0', '-o eth0.1'),
      particular.chain(([protocol, extra]) => fc.tuple(fc.constant(protocol), extra)),
      fc.array(general, { maxLength: 2 }),
      fc.oneof(target, actions),
    )
    .map(([source, input, output, asked, matches, action]) =>
      [source, input, output, ...asked, ...matches, action].filter(word => word !== ''),
    )

/** What stands behind the chain: in order, or in any. */
const spec = (family: Family): fc.Arbitrary<readonly string[]> => {
  const { good, odd } = addresses[family]
  const [source, destination] = [option('-s', good, odd), option('-d', good, odd)]
  const match = option('-m', ['tcp', 'udp'], ['tcpmss', 'comment', 'nope', 'TCP'])
  const both = fc.constantFrom('-p tcp -m tcp', '-p udp -m udp')
  const protocols = fc.oneof({ arbitrary: both, weight: 6 }, protocol, match)
  const ordered = [source, destination, protocols, port('--sport'), port('--dport'), target]
  const strange = fc.constantFrom(
    '-f',
    '-i eth0',
    '-4',
    '-c 1 2',
    '"',
    '!',
    '! -d 1.2.3.4/32',
    '--source ::1',
    '-m',
  )
  const any = fc.array(fc.oneof(...ordered, strange), { maxLength: 5 })
  const inOrder = fc
    .tuple(...ordered.map(one => fc.option(one, { nil: undefined, freq: 3 })))
    .map(words => words.filter(word => word !== undefined))
  return fc.oneof({ arbitrary: inOrder, weight: 4 }, { arbitrary: any, weight: 1 })
}

const lines = (family: Family): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom('', '', '', '[1:2] ', '[0:0]', '[0:0] '),
      mostly('', '[1:2]  ', '[x:1] ', '[1:2 '),
      fc.oneof(mostly('INPUT', 'nope', '"a"', '-x', ''), fc.constant('a')),
      spec(family),
      fc.array(mostly(' ', '  ', '\t'), { minLength: 8, maxLength: 8 }),
      mostly('', ' ', '\r', '\t', ' \r'),
    )
    .map(
      ([counters, odd, chain, words, blanks, end]) =>
        `${counters}${odd}-A ${chain}${words.map((word, at) => `${blanks[at]}${word}`).join('')}${end}`,
    )

export const files = (family: Family): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom('filter', 'filter', 'nat', 'raw'),
      fc.array(lines(family), { minLength: 1, maxLength: 2 }),
    )
    .map(([table, all]) => [`*${table}`, ':a - [0:0]', ':c.d - [0:0]', ...all, 'COMMIT', ''].join('\n'))

/** Many lines of few kinds, each right for the most part: what one says another says again. */
export const repeating = (family: Family): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom('filter', 'mangle'),
      fc.array(fc.tuple(fc.constantFrom('a', 'a', 'INPUT', 'OUTPUT'), extended(family)), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.array(fc.tuple(fc.nat(2), fc.constantFrom('a', undefined)), { maxLength: 6 }),
    )
    .map(([table, kinds, more]) => {
      const lines = [...kinds, ...more.map(([at, chain]) => [chain, kinds[at]?.[1] ?? []] as const)]
      const all = lines.map(([chain = 'FORWARD', words]) => `-A ${[chain, ...words].join(' ')}`)
      return [`*${table}`, ':a - [0:0]', ':c.d - [0:0]', ...all, 'COMMIT', ''].join('\n')
    })

/** As people write them: the protocol and the rest in any order, ports without their match, and what may stand behind these. */
export const handwritten = (family: Family): fc.Arbitrary<string> => {
  const { good } = addresses[family]
  const parts = [
    option('-p', ['tcp', 'udp', '6', '17'], ['132', '1', 'TCP']),
    option('-s', good, ['192.0.2.1/24']),
    option('-d', good, ['::/0']),
    option('-i', ['eth0', 'br+'], ['+']),
    option('-o', ['eth0'], ['"eth1"']),
  ].map(part => fc.option(part, { nil: '', freq: 2 }))
  const core = fc.tuple(...parts).chain(words => fc.shuffledSubarray(words, { minLength: 3 }))
  const extra = fc.constantFrom('', '', '--syn', '-m tcp --dport 7', '-m udp', '--dport 9', '! --sport 1')
  return fc
    .tuple(
      fc.constantFrom('INPUT', 'FORWARD', 'OUTPUT', 'a'),
      core,
      fc.option(port('--sport'), { nil: '' }),
      fc.option(port('--dport'), { nil: '' }),
      fc.oneof(extra, general, multiports),
      target,
    )
    .map(([chain, words, ...rest]) => {
      const all = [...words, ...rest].filter(word => word !== '').join(' ')
      return ['*filter', ':a - [0:0]', ':c.d - [0:0]', `-A ${chain} ${all}`, 'COMMIT', ''].join('\n')
    })
}
