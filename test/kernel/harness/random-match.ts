// The matches of random rules that go with every protocol.

import { peerMac } from '../../packet/link.ts'
import { programs, u32Tests } from './byte-match.ts'
import { extensionMatches } from './extension.ts'
import { type Feature, type Grammar, hasNoInput, hasNoOutput, not } from './grammar.ts'
import { connection } from './random-connection.ts'

const ranges = {
  4: ['192.0.2.1-192.0.2.17', '192.0.2.3-192.0.2.2', '10.0.0.0-198.51.100.7'],
  6: ['2001:db8::1-2001:db8::11', '2001:db8::3-2001:db8::2', 'fd00::-fd00::3'],
} as const

const markValues = [
  '0x1',
  '0x0',
  '0x11',
  '0x10/0x10',
  '0x0/0xff',
  '0x80000000/0x80000000',
  '0x1/0xf',
  '0x100/0x102',
] as const

/** `-m name --option value` for a value drawn from some. */
const simple =
  (name: string, option: string, values: readonly string[]) =>
  (grammar: Grammar): string =>
    ` -m ${name} ${not(grammar)}--${option} ${grammar.random.pick(values)}`

const hops = (grammar: Grammar): string => {
  const name = grammar.family === 4 ? 'ttl' : 'hl'
  const value = grammar.random.pick(['64', '63', '1', '2', '128', '0', '255'])
  if (grammar.random.chance(0.5)) return ` -m ${name} ${not(grammar)}--${name}-eq ${value}`
  return ` -m ${name} --${name}-${grammar.random.pick(['lt', 'gt'])} ${value}`
}

const typeOfService = (grammar: Grammar): string =>
  grammar.random.chance(0.5)
    ? simple('tos', 'tos', ['0x10/0x3f', '0x00/0xff', '0x08', '0x02/0x03', '0x04/0x84', '0xb8/0xfc'])(grammar)
    : simple('dscp', 'dscp', ['0x00', '0x2e', '0x08', '0x3f', '0x01'])(grammar)

const deviceGroup = (grammar: Grammar, chain: string): string => {
  const { random } = grammar
  const groups = ['0x5', '0x0', '0x5/0xff', '0x100/0x100']
  const side = hasNoInput(chain) ? 'dst' : hasNoOutput(chain) ? 'src' : random.pick(['src', 'dst'])
  return ` -m devgroup ${not(grammar)}--${side}-group ${random.pick(groups)}`
}

/** By base chain, which of a packet's devices an address type may be limited to. */
const limitsIn: Readonly<Record<string, readonly string[]>> = {
  PREROUTING: ['in'],
  INPUT: ['in'],
  FORWARD: ['in', 'out'],
  OUTPUT: ['out'],
  POSTROUTING: ['out'],
}

/** Matches that go with every protocol; those that only some chains can have are left to the base chains that do. */
const others: Readonly<Partial<Record<Feature, (grammar: Grammar, chain: string) => string>>> = {
  iprange: grammar => {
    const { random, family } = grammar
    return ` -m iprange ${not(grammar)}--${random.pick(['src', 'dst'])}-range ${random.pick(ranges[family])}`
  },
  mark: simple('mark', 'mark', markValues),
  connmark: simple('connmark', 'mark', ['0x2', '0x0', '0x100/0x100', '0x102', '0x2/0xf']),
  length: simple('length', 'length', ['0:60', '52', '64', '64:1000', '40:47', '72']),
  ttl: hops,
  tos: typeOfService,
  pkttype: simple('pkttype', 'pkt-type', ['unicast', 'broadcast', 'multicast']),
  mac: (grammar, chain) =>
    ['PREROUTING', 'INPUT', 'FORWARD'].includes(chain)
      ? simple('mac', 'mac-source', [peerMac, '02:00:00:00:00:55', '00:00:00:00:00:00'])(grammar)
      : '',
  devgroup: (grammar, chain) => (chain.startsWith('user') ? '' : deviceGroup(grammar, chain)),
  physdev: (grammar, chain) => {
    const { random } = grammar
    const asked = ['--physdev-in eth0', '--physdev-is-in', '--physdev-is-bridged', '--physdev-in e+']
    const outward =
      chain === 'OUTPUT' || chain.startsWith('user') ? [] : ['--physdev-out eth1', '--physdev-is-out']
    return ` -m physdev ${not(grammar)}${random.pick([...asked, ...outward])}`
  },
  // what is drawn must be certain, or no two firewalls agree
  statistic: grammar => {
    const { random } = grammar
    if (random.chance(0.2))
      return ` -m statistic --mode random ${not(grammar)}--probability ${random.below(2)}`
    const every = 1 + random.below(5)
    return ` -m statistic --mode nth ${not(grammar)}--every ${every} --packet ${random.below(every)}`
  },
  addrtype: (grammar, chain) => {
    const { random, family } = grammar
    const types =
      family === 4
        ? ['LOCAL', 'BROADCAST', 'UNICAST', 'MULTICAST', 'LOCAL,BROADCAST']
        : ['UNICAST', 'MULTICAST']
    const sides = random.sample(['src', 'dst'], 1 + random.below(2))
    const asked = sides.map(side => ` ${not(grammar)}--${side}-type ${random.pick(types)}`).join('')
    const limits = limitsIn[chain] ?? []
    const limit = limits.length > 0 && random.chance(0.4) ? ` --limit-iface-${random.pick(limits)}` : ''
    return ` -m addrtype${asked}${limit}`
  },
  cpu: simple('cpu', 'cpu', ['0', '1']),
  u32: grammar => ` -m u32 ${not(grammar)}--u32 "${grammar.random.pick(u32Tests)}"`,
  bpf: ({ random }) => ` -m bpf --bytecode "${random.pick(programs)}"`,
  extension: ({ random, family }) => (family === 6 ? ` ${random.pick(extensionMatches)}` : ''),
  connection: grammar => ` -m conntrack${connection(grammar)}`,
}

/** '' where there is nothing else to ask, or not in this chain. */
export const other = (grammar: Grammar, chain: string): string => {
  const known = (Object.keys(others) as Feature[]).filter(grammar.has)
  return known.length === 0 ? '' : (others[grammar.random.pick(known)]?.(grammar, chain) ?? '')
}
