// Steps that matches on the transport header share.

import { transport } from '../field.ts'
import { type SetTest, type Step, setTest } from '../test.ts'
import { inclusive, normalise, single } from '../tree/interval.ts'

export const wholeTransport: SetTest = setTest('transport', single(transport.whole))

const tooShort = inclusive(transport.ports, transport.short)

/** What is dropped where the whole fixed header is needed. */
export const malformedHeader = {
  udp: setTest('transport', tooShort),
  tcp: setTest('transport', normalise([...tooShort, ...single(transport.overlap)])),
} as const satisfies Record<string, SetTest>

/** Where the headers in front of it cannot be walked along. */
export const unreachable: SetTest = setTest('transport', single(transport.unreachable))

/** The whole fixed header is needed: without it the kernel drops the packet, but a later fragment just does not match. */
export const wholeHeader: readonly Step[] = [{ kind: 'hotdrop', when: malformedHeader.udp }, wholeTransport]

/** As wholeHeader, and a fragment laid over the header is dropped as well (TCP). */
export const wholeTcpHeader: readonly Step[] = [
  { kind: 'hotdrop', when: malformedHeader.tcp },
  wholeTransport,
]

/** Only the ports are needed. */
export const portsHeader: readonly Step[] = [
  { kind: 'hotdrop', when: setTest('transport', single(transport.short)) },
  setTest('transport', inclusive(transport.whole, transport.ports)),
]
