// What comes to a web server on an ordinary day. Every packet begins a connection of its own, so that none depends on
// what became of another.

import type { ConntrackState } from 'iptables-parser'
import { within } from '../address.ts'
import { type Flow, protocolNumber } from '../frame.ts'
import { type Random, randomFrom } from '../random.ts'

/** Packets of one kind. */
export interface Kind {
  readonly name: string
  /** What conntrack makes of them. */
  readonly state: ConntrackState
  readonly flows: readonly Flow[]
}

/** Documentation and benchmarking addresses (RFC 5737, RFC 2544, RFC 3849). */
export const server = { 4: 0xc000_0210n, 6: (0x2001_0db8n << 96n) | 0x10n } as const
const office = 0xc633_6400n
const blocked = 0xcb00_7100n
const internet = 0xc612_0000n
const internet6 = (0x2001_0db8_000cn << 80n) | 0n

const { tcp, udp, icmp, icmp6 } = protocolNumber
const NO_FLAGS = 0x00
const XMAS = 0x29

/** The traffic of the demo: `share` packets of each kind, times what is usual for it. */
export function dayAtTheServer(share: number): readonly Kind[] {
  const random = randomFrom(443)
  let port = 1024
  const from = (source: bigint, bits: number) => (): Omit<Flow, 'protocol' | 'destinationPort'> => ({
    family: 4,
    source: within(source, 32 - bits, random),
    destination: server[4],
    // source ports go round more slowly than any two packets of one kind could meet
    sourcePort: 1024 + (port++ % 64_000),
  })
  const outside = from(internet, 17)
  const many = (times: number, make: () => Flow): Flow[] => Array.from({ length: times * share }, make)
  return [
    kind(
      'web',
      many(6, () => ({ ...outside(), protocol: tcp, destinationPort: either(random, 80, 443) })),
    ),
    kind(
      'web over QUIC',
      many(4, () => ({ ...outside(), protocol: udp, destinationPort: 443 })),
    ),
    kind(
      'web over IPv6',
      many(3, () => ipv6Flow(random, { protocol: tcp, destinationPort: 443 })),
    ),
    kind(
      'ping',
      many(1, () => ({ ...outside(), protocol: icmp, sourcePort: 8, destinationPort: 0 })),
    ),
    kind(
      'ping over IPv6',
      many(1, () => ({
        ...ipv6Flow(random, { protocol: icmp6, destinationPort: 0 }),
        sourcePort: 128,
      })),
    ),
    kind(
      'ssh from the office',
      many(1, () => ({ ...from(office, 8)(), protocol: tcp, destinationPort: 22 })),
    ),
    kind(
      'ssh from elsewhere',
      many(3, () => ({ ...outside(), protocol: tcp, destinationPort: 22 })),
    ),
    kind(
      'a network with blocked addresses',
      many(5, () => ({ ...from(blocked, 8)(), protocol: tcp, destinationPort: 443 })),
    ),
    kind(
      'port scan',
      many(4, () => ({ ...outside(), protocol: tcp, destinationPort: 1 + random(65535) })),
    ),
    {
      ...kind(
        'null and xmas scan',
        many(2, () => ({
          ...outside(),
          protocol: tcp,
          destinationPort: 443,
          flags: either(random, NO_FLAGS, XMAS),
        })),
      ),
      state: 'INVALID',
    },
  ]
}

const kind = (name: string, flows: readonly Flow[]): Kind => ({ name, state: 'NEW', flows })

const either = (random: Random, one: number, other: number): number => (random(2) === 0 ? one : other)

const ipv6Flow = (random: Random, rest: Pick<Flow, 'protocol' | 'destinationPort'>): Flow => ({
  family: 6,
  source: internet6 | (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32)),
  destination: server[6],
  sourcePort: 1024 + random(64_000),
  ...rest,
})
