// Random command lines: mostly sensible ones on a handful of chains, some that iptables refuses.

import fc from 'fast-check'
import type { Family } from 'iptables-parser'

type Words = readonly string[]

const words = (...parts: readonly fc.Arbitrary<Words>[]): fc.Arbitrary<Words> =>
  fc.tuple(...parts).map(lists => lists.flat())

const one = (text: string): fc.Arbitrary<Words> => fc.constant(text.split(' '))
const anyOf = (...texts: readonly string[]): fc.Arbitrary<Words> =>
  fc.constantFrom(...texts.map(text => text.split(' ')))
const maybe = (part: fc.Arbitrary<Words>, freq = 2): fc.Arbitrary<Words> =>
  fc.oneof({ arbitrary: fc.constant([]), weight: freq }, { arbitrary: part, weight: 1 })

const baseChains = ['INPUT', 'FORWARD', 'OUTPUT']
const userChains = ['a', 'b', 'c.d', 'LOGIT']

const chain = fc
  .oneof(
    { arbitrary: fc.constantFrom(...baseChains), weight: 4 },
    { arbitrary: fc.constantFrom(...userChains), weight: 6 },
    { arbitrary: fc.constantFrom('nope', 'ACCEPT', '', 'abcdefghijklmnopqrstuvwxyz123'), weight: 1 },
  )
  .map((name): Words => [name])

const number = fc
  .oneof(
    { arbitrary: fc.constantFrom('1', '2', '3', '4'), weight: 12 },
    { arbitrary: fc.constantFrom('0', '9', '0x1', '02', 'x', '1x', '-1', '99999999999'), weight: 1 },
  )
  .map((text): Words => [text])

const counters = words(
  anyOf('-c', '--set-counters'),
  anyOf(
    '1 2',
    '100 20000',
    '99999 99999',
    '100000 9999499',
    '9999500 10000000',
    '12345678901 123456789012345',
    '5,6',
    '7 x',
    '8',
  ),
)

const addresses: Readonly<Record<Family, readonly string[]>> = {
  4: [
    '192.0.2.1',
    '192.0.2.0/24',
    '198.51.100.7/255.0.255.0',
    '0.0.0.0/0',
    '10/8',
    '192.0.2.1,192.0.2.2',
    '192.0.2.300',
    '192.0.2.1/33',
    '::1',
  ],
  6: [
    '2001:db8::1',
    '2001:db8::/32',
    '2001:db8::7/ffff:0:ffff::',
    '::/0',
    '2001:db8::1,2001:db8::2',
    '2001:db8::g',
    '2001:db8::1/129',
  ],
}

/** To ip6tables that is not the same as to name none (docs/compatibility.md; held by commands.test.ts). */
const everyProtocol: Readonly<Record<Family, readonly string[]>> = { 4: ['all'], 6: [] }

const option = (family: Family): fc.Arbitrary<Words> => {
  const address = fc.constantFrom(...addresses[family]).map((text): Words => [text])
  return fc.oneof(
    words(maybe(one('!')), anyOf('-s', '--source', '--src', '-d', '--dst', '--dest'), address),
    words(
      maybe(one('!')),
      anyOf('-i', '--in-interface', '-o', '--out'),
      anyOf('eth0', 'eth+', '+', 'lo', 'averyveryverylongname'),
    ),
    words(
      maybe(one('!')),
      anyOf('-p', '--protocol'),
      anyOf('tcp', 'TCP', '17', 'gre', '253', ...everyProtocol[family], 'foo', '256'),
    ),
    one('-f'),
    one('! --fragments'),
  )
}

const icmp: Readonly<Record<Family, fc.Arbitrary<Words>>> = {
  4: words(
    one('-p icmp'),
    maybe(words(maybe(one('!')), one('--icmp-type'), anyOf('echo-request', '3/1', 'any', '3'))),
  ),
  6: words(
    one('-p icmpv6'),
    maybe(words(maybe(one('!')), one('--icmpv6-type'), anyOf('echo-request', '1/1', '128', '1'))),
  ),
}

const match = (family: Family): fc.Arbitrary<Words> =>
  fc.oneof(
    words(
      anyOf('-p tcp', '-p tcp -m tcp', '-m tcp -p tcp'),
      maybe(
        words(
          maybe(one('!')),
          anyOf(
            '--dport 22',
            '--sport 1024:',
            '--dpo 80:90',
            '--syn',
            '--tcp-flags ALL SYN,ACK',
            '--tcp-option 4',
          ),
        ),
        1,
      ),
    ),
    words(
      anyOf('-p udp', '-p udp -m udp', '-m udp'),
      maybe(words(maybe(one('!')), anyOf('--dport domain', '--sport :53')), 1),
    ),
    words(
      anyOf('-p tcp -m multiport', '-p udp -m multiport'),
      maybe(one('!')),
      anyOf('--dports 22,80:90', '--sports 53', '--ports 1,2,domain'),
    ),
    icmp[family],
    words(one('-m state'), maybe(one('!')), one('--state'), anyOf('NEW', 'NEW,ESTABLISHED')),
    words(
      one('-m conntrack'),
      maybe(one('!')),
      one('--ctstate'),
      anyOf('NEW', 'RELATED,ESTABLISHED', 'INVALID'),
    ),
    words(
      one('-m comment --comment'),
      fc.constantFrom('x', 'two words', 'it\'s "quoted"', '').map((text): Words => [text]),
    ),
    anyOf('-m nope', '--nope', '-q', 'stray', '! !', '!'),
  )

const target = fc.oneof(
  { arbitrary: anyOf('-j ACCEPT', '-j DROP', '-j RETURN', '--jump DROP'), weight: 6 },
  { arbitrary: words(anyOf('-j', '-g', '--goto'), chain), weight: 5 },
  { arbitrary: anyOf('-jACCEPT', '-ga', '--jump=DROP', '-j ACCEPT -j DROP', '! -j ACCEPT', '-j'), weight: 1 },
)

const spec = (family: Family): fc.Arbitrary<Words> =>
  fc.oneof(
    {
      arbitrary: words(
        maybe(option(family)),
        maybe(option(family), 4),
        maybe(match(family)),
        maybe(target, 1),
      ),
      weight: 9,
    },
    { arbitrary: words(target, maybe(option(family)), maybe(counters)), weight: 3 },
  )

const list = words(
  anyOf('-L', '-S', '--list', '--list-rules', '-nL'),
  maybe(chain),
  maybe(number, 4),
  maybe(
    anyOf('-v', '-n', '-v -n', '-x', '--line-numbers', '-v -x', '-n -v -x --line-numbers', '-Z', '-v -Z'),
    1,
  ),
)

const edit = (family: Family): fc.Arbitrary<Words> =>
  fc.oneof(
    {
      arbitrary: words(anyOf('-A', '--append', '-A', '-v -A'), chain, spec(family), maybe(counters, 4)),
      weight: 10,
    },
    {
      arbitrary: words(anyOf('-I', '--insert'), chain, maybe(number), spec(family), maybe(counters, 4)),
      weight: 5,
    },
    {
      arbitrary: words(anyOf('-R', '--replace'), chain, number, spec(family), maybe(counters, 3)),
      weight: 3,
    },
    {
      arbitrary: words(anyOf('-D', '--delete', '-D', '-v -D'), chain, fc.oneof(number, spec(family))),
      weight: 5,
    },
    { arbitrary: words(anyOf('-C', '--check'), chain, spec(family)), weight: 2 },
    { arbitrary: words(anyOf('-N', '--new-chain', '--new'), chain), weight: 8 },
    { arbitrary: words(anyOf('-X', '--delete-chain', '-v -X'), maybe(chain, 1)), weight: 3 },
    // what is renamed to nothing is refused by us alone (docs/compatibility.md)
    {
      arbitrary: words(
        anyOf('-E', '--rename-chain'),
        chain,
        maybe(
          chain.filter(([name]) => name !== ''),
          0,
        ),
      ),
      weight: 3,
    },
    {
      arbitrary: words(
        anyOf('-P', '--policy'),
        chain,
        maybe(anyOf('ACCEPT', 'DROP', 'REJECT'), 0),
        maybe(counters, 3),
      ),
      weight: 3,
    },
    { arbitrary: words(anyOf('-F', '--flush', '-v -F'), maybe(chain, 1)), weight: 1 },
    { arbitrary: words(anyOf('-Z', '--zero', '-v -Z'), maybe(words(chain, maybe(number, 1)), 1)), weight: 3 },
    { arbitrary: list, weight: 5 },
    {
      arbitrary: anyOf(
        '-w -L a',
        '-w 3 -S',
        '-W 5 -S',
        '-w -A a',
        '-L -D a',
        '-A a -A b',
        '-t raw -S',
        '-t nope -S',
        '-t nat -P OUTPUT DROP',
        '-t mangle -A PREROUTING -j ACCEPT',
        '-4 -S',
        '-6 -S',
        '--l',
        '-',
        '-- -S',
        '-S --',
        '-S -v -Z a 1',
        '-A a -n',
        '-L a -s 192.0.2.1',
      ),
      weight: 2,
    },
  )

/** A sequence of command lines, without the program's name. */
export const commandLines = (family: Family): fc.Arbitrary<readonly Words[]> =>
  fc.array(edit(family), { minLength: 20, maxLength: 60, size: 'max' })
