// Rule sets that every fixture packet goes through: groups of rules that mostly count without deciding, so that one packet is asked
// all the questions of a group.

import type { Family } from 'iptables-parser'

export interface FixedRules {
  readonly name: string
  /** iptables-save text, filter table only. */
  readonly text: string
  /** Asks for the state of connections, which xdp and tc do not know. */
  readonly stateful: boolean
}

/** Rules that stand in each of the three base chains. */
type Groups = Readonly<Record<string, readonly string[]>>

const common: Groups = {
  ports: [
    '-p tcp -m tcp --dport 22',
    '-p tcp -m tcp --sport 1024:65535 --dport 1:1023',
    '-p tcp -m tcp ! --sport 0:1023 ! --dport 80',
    '-p udp -m udp --dport 53',
    '-p udp -m udp ! --sport 1:1023',
    '-p udp -m udp --sport 68 --dport 67 -j ACCEPT',
    '-p tcp -m tcp --dport 22 -j DROP',
    '-p udp -j DROP',
  ],
  flags: [
    '-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN',
    '-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN',
    '-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE',
    '-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG FIN,SYN,RST,PSH,ACK,URG',
    '-p tcp -m tcp --tcp-flags SYN,FIN SYN,FIN -j DROP',
    '-p tcp -m tcp --tcp-flags ACK ACK -j ACCEPT',
    '-p tcp -j DROP',
  ],
  multiport: [
    '-p tcp -m multiport --dports 22,80,443,1000:2000',
    '-p tcp -m multiport ! --dports 22,80',
    '-p udp -m multiport --ports 53,67:68',
    '-p udp -m multiport ! --ports 53,67:68',
    '-p sctp -m multiport --sports 1:65535',
    '-p udp -m multiport --sports 0:65535 -m udp --dport 53 -j DROP',
    '-p tcp -m multiport --sports 0:65535 -m tcp --tcp-flags SYN SYN -j DROP',
  ],
}

const groups: Readonly<Record<Family, Groups>> = {
  4: {
    ...common,
    protocols: [
      '',
      ...['tcp', 'udp', 'icmp', '47', 'esp', 'ah', 'sctp', 'udplite', 'ipv6-icmp'].map(name => `-p ${name}`),
      '! -p tcp',
      '-f',
      '! -f',
      '-p udp -f',
      '-p tcp ! -f -j DROP',
      '-f -j ACCEPT',
    ],
    // matches nothing, and all the same has the kernel drop what is too short for it
    never: ['-p icmp -m icmp ! --icmp-type any'],
    icmp: [
      '-p icmp -m icmp --icmp-type any',
      '-p icmp -m icmp --icmp-type 8',
      '-p icmp -m icmp ! --icmp-type 8',
      '-p icmp -m icmp --icmp-type 3/3',
      '-p icmp -m icmp ! --icmp-type 3/3',
      '-p icmp -m icmp ! --icmp-type any',
      '-p icmp -m icmp --icmp-type 0 -j DROP',
      '-p icmp -j ACCEPT',
    ],
    addresses: [
      '-s 192.0.2.1/32',
      '! -s 192.0.2.1/32',
      '-d 192.0.2.0/24',
      '-s 0.0.0.0/1 ! -d 192.0.2.2/32',
      '-s 192.0.0.1/255.255.0.255',
      '! -d 192.0.0.2/255.255.0.255',
      '-s 224.0.0.0/4',
      '-d 224.0.0.0/3 -j DROP',
      '-s 127.0.0.0/8 -j DROP',
      '! -s 192.0.2.0/30 -j ACCEPT',
    ],
  },
  6: {
    ...common,
    protocols: [
      '',
      ...['tcp', 'udp', 'ipv6-icmp', '47', 'esp', 'ah', 'sctp', 'udplite', 'icmp'].map(name => `-p ${name}`),
      '! -p tcp',
      '-p ipv6-nonxt',
      '! -p udp -j ACCEPT',
      '-p udp -j DROP',
    ],
    icmp: [
      '-p ipv6-icmp -m icmp6 --icmpv6-type 128',
      '-p ipv6-icmp -m icmp6 ! --icmpv6-type 128',
      '-p ipv6-icmp -m icmp6 --icmpv6-type 1/4',
      '-p ipv6-icmp -m icmp6 ! --icmpv6-type 1/4',
      '-p ipv6-icmp -m icmp6 --icmpv6-type 135 -j ACCEPT',
      '-p ipv6-icmp -m icmp6 --icmpv6-type 129 -j DROP',
    ],
    addresses: [
      '-s 2001:db8::1/128',
      '! -s 2001:db8::1/128',
      '-d 2001:db8::/32',
      '-s ::/1 ! -d 2001:db8::2/128',
      '-s 2001:db8::1/ffff:ffff::ffff',
      '! -d 2001:db8::2/ffff:ffff::ffff',
      '-d ff00::/8',
      '-s fe80::/10 -j DROP',
      '-d ff02::1/128 -j DROP',
      '! -s 2001:db8::/126 -j ACCEPT',
    ],
  },
}

const stateful: readonly string[] = [
  ...['INVALID', 'NEW', 'RELATED', 'ESTABLISHED', 'UNTRACKED', 'SNAT', 'DNAT'].flatMap(state => [
    `-m conntrack --ctstate ${state}`,
    `-m conntrack ! --ctstate ${state}`,
  ]),
  '-m state --state RELATED,ESTABLISHED -j ACCEPT',
  '-m state --state INVALID -j DROP',
]

const baseChains = ['INPUT', 'FORWARD', 'OUTPUT'] as const

const filter = (
  policies: readonly ('ACCEPT' | 'DROP')[],
  lines: readonly string[],
  chains: readonly string[] = [],
): string =>
  [
    '*filter',
    ...baseChains.map((chain, index) => `:${chain} ${policies[index] ?? 'ACCEPT'} [0:0]`),
    ...chains.map(chain => `:${chain} - [0:0]`),
    ...lines,
    'COMMIT',
    '',
  ].join('\n')

/** The rules in each base chain. */
const everywhere = (rules: readonly string[]): string =>
  filter(
    ['DROP', 'ACCEPT', 'ACCEPT'],
    baseChains.flatMap(chain => rules.map(rule => `-A ${chain} ${rule}`)),
  )

/** Chains called from several places, from trees and by rules that ask nothing; gone to and returned from, by name and by their end. */
const nested = (host: string): string =>
  filter(
    ['ACCEPT', 'DROP', 'ACCEPT'],
    [
      ...baseChains.flatMap(chain => [
        `-A ${chain} -j count`,
        `-A ${chain} -p tcp -j judge`,
        `-A ${chain} -p udp -g judge`,
        `-A ${chain} -s ${host} -j count`,
      ]),
      '-A INPUT -i eth0 -j DROP',
      '-A INPUT ! -i eth+',
      '-A FORWARD -i eth0 -o eth1 -p tcp -j ACCEPT',
      '-A FORWARD -i + ! -o lo',
      '-A OUTPUT -o eth+ -p tcp -j DROP',
      '-A count -p tcp',
      '-A count -p udp -j RETURN',
      `-A count -d ${host} -j inner`,
      '-A count',
      '-A inner -p tcp -g empty',
      '-A inner -j RETURN',
      '-A judge -p tcp -m tcp --dport 22 -j inner',
      '-A judge -p tcp -m tcp --tcp-flags SYN,ACK SYN -j ACCEPT',
      '-A judge -p udp -m udp --dport 53 -j DROP',
      '-A judge -j inner',
    ],
    ['count', 'empty', 'inner', 'judge'],
  )

/** What needs stack of its own in a prologue, all at once. */
const questions: Readonly<Record<Family, readonly string[]>> = {
  4: ['-m addrtype --src-type UNICAST', '-m bpf --bytecode "4,48 0 0 9,21 0 1 6,6 0 0 65535,6 0 0 0"'],
  6: ['-m bpf --bytecode "4,48 0 0 6,21 0 1 6,6 0 0 65535,6 0 0 0"'],
}

/** These ask the kernel what the interpreter does not know. */
export const questionRules = (family: Family): FixedRules => ({
  name: 'questions',
  text: everywhere(questions[family]),
  stateful: true,
})

/** In a fixed order, the same every time. */
export const fixedRules = (family: Family): readonly FixedRules[] => [
  ...Object.entries(groups[family]).map(([name, rules]) => ({
    name,
    text: everywhere(rules),
    stateful: false,
  })),
  {
    name: 'chains',
    text: nested(family === 4 ? '192.0.2.2/32' : '2001:db8::2/128'),
    stateful: false,
  },
  { name: 'states', text: everywhere(stateful), stateful: true },
]
