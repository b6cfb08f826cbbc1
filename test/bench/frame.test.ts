// Frames for measuring, against the packets that the tests build.

import test from 'ava'
import { ETHERNET_BYTES, type Flow, FRAME_BYTES, frameOf } from '../../bench/frame.ts'
import { build } from '../packet/build.ts'
import type { Layer } from '../packet/layer.ts'

const payload = (headers: number): Layer => ({ kind: 'raw', zeros: FRAME_BYTES - ETHERNET_BYTES - headers })

const ipv4: Flow = {
  family: 4,
  source: 0xc000_0201n,
  destination: 0xc633_6402n,
  protocol: 6,
  sourcePort: 40_000,
  destinationPort: 443,
}
const ipv6: Flow = {
  ...ipv4,
  family: 6,
  source: (0x2001_0db8n << 96n) | 1n,
  destination: (0x2001_0db8n << 96n) | 2n,
}

const ip: Layer = { kind: 'ip', src: '192.0.2.1', dst: '198.51.100.2', ttl: 64, id: 0, flags: [] }
const ip6: Layer = { kind: 'ip6', src: '2001:db8::1', dst: '2001:db8::2', hop: 64 }
const ports = { sport: 40_000, dport: 443 }

const cases: Readonly<Record<string, readonly [flow: Flow, layers: readonly Layer[]]>> = {
  'TCP over IPv4': [
    ipv4,
    [ip, { kind: 'tcp', ...ports, flags: ['syn'], window: 0xffff, seq: 0, acknum: 0 }, payload(40)],
  ],
  'UDP over IPv4': [{ ...ipv4, protocol: 17 }, [ip, { kind: 'udp', ...ports }, payload(28)]],
  'ICMP over IPv4': [
    { ...ipv4, protocol: 1, sourcePort: 8, destinationPort: 0 },
    [ip, { kind: 'icmp', type: 8, code: 0, rest: 0 }, payload(28)],
  ],
  'TCP over IPv6': [
    ipv6,
    [ip6, { kind: 'tcp', ...ports, flags: ['syn'], window: 0xffff, seq: 0, acknum: 0 }, payload(60)],
  ],
  'ICMP over IPv6': [
    { ...ipv6, protocol: 58, sourcePort: 128, destinationPort: 0 },
    [ip6, { kind: 'icmp6', type: 128, code: 0, rest: 0 }, payload(48)],
  ],
}

for (const [name, [flow, layers]] of Object.entries(cases))
  test(name, t => t.deepEqual(frameOf(flow), build([{ kind: 'ether' }, ...layers])))
