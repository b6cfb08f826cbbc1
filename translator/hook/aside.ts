// Whether xdp or tc judge alone. They do only while nothing else comes between them and INPUT. Both they and nf-input look for it, packet by
// packet; the first that finds something sets a flag, and from then on all is judged at nf-input until rules are loaded again. Without the flag a
// packet could slip through while the other hook is taken off: ingress would still have left it, and nf-input no more have looked at it.

import type { Family } from 'iptables-parser'
import type { Assembler } from '../asm/assembler.ts'
import { immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadMapValue, storeImmediate } from '../asm/memory.ts'
import { r1 } from '../asm/register.ts'
import type { MapSpec } from '../program.ts'
import { emitOthers, type OthersCheck } from './others.ts'

/** Two u32, for IPv4 and IPv6: not 0 where packets are left to nf-input because of other hooks. */
export const asideMap: MapSpec = {
  name: 'aside',
  type: 'ARRAY',
  keySize: 4,
  valueSize: 8,
  maxEntries: 1,
  flags: 0,
  shared: true,
}

export const asideOffset: Readonly<Record<Family, 0 | 4>> = { 4: 0, 6: 4 }

/** Goes to `aside` where all is judged at nf-input. A dropped packet would be missing to connection tracking, so that counts as another hook. Destroys r0 to r5. */
export function emitAside(
  assembler: Assembler,
  check: Pick<OthersCheck, 'family' | 'loadNet' | 'scratch'>,
  aside: Label,
): void {
  const found = assembler.label('found')
  const alone = assembler.label('alone')
  const offset = asideOffset[check.family]
  assembler.emit(
    loadMapValue(r1, asideMap.name),
    load('u32', r1, r1, offset),
    jumpIf('!=', r1, immediate(0), aside, 32),
  )
  emitOthers(assembler, ['preRouting', 'localIn'], { ...check, conntrack: false, others: found })
  assembler.emit(jump(alone))
  assembler.place(found)
  assembler.emit(loadMapValue(r1, asideMap.name), storeImmediate('u32', r1, offset, 1), jump(aside))
  assembler.place(alone)
}
