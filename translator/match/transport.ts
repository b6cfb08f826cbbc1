// Steps that matches on the transport header share.

import { transport } from '../field.ts'
import { type Step, setTest } from '../test.ts'
import { inclusive, normalise, single } from '../tree/interval.ts'

/** The whole fixed header is needed: without it the kernel drops the packet, but a later fragment just does not match. */
export const wholeHeader: readonly Step[] = [
  { kind: 'hotdrop', when: setTest('transport', inclusive(transport.ports, transport.short)) },
  setTest('transport', single(transport.whole)),
]

/** As wholeHeader, and a fragment laid over the header is dropped as well (TCP). */
export const wholeTcpHeader: readonly Step[] = [
  {
    kind: 'hotdrop',
    when: setTest(
      'transport',
      normalise([...inclusive(transport.ports, transport.short), ...single(transport.overlap)]),
    ),
  },
  setTest('transport', single(transport.whole)),
]

/** Only the ports are needed. */
export const portsHeader: readonly Step[] = [
  { kind: 'hotdrop', when: setTest('transport', single(transport.short)) },
  setTest('transport', inclusive(transport.whole, transport.ports)),
]
