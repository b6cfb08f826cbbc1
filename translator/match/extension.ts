// Steps that matches on IPv6 extension headers share.

import { type ExtensionKind, headerPlace } from '../extension-field.ts'
import { domain } from '../field.ts'
import { type Step, setTest } from '../test.ts'
import { single } from '../tree/interval.ts'

/** The packet has such a header; in one whose headers are cut off before it, none is found. */
export const headerThere = (kind: ExtensionKind): readonly Step[] => [
  setTest(kind, [{ low: headerPlace.first, end: Number(domain(kind, 6).end) }]),
]

/** The same, where the kernel drops packets whose headers are cut off before it. */
export const headerWanted = (kind: ExtensionKind): readonly Step[] => [
  { kind: 'hotdrop', when: setTest(kind, single(headerPlace.cutOff)) },
  ...headerThere(kind),
]
