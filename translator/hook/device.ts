// Devices: their names, and whether their packets are judged before netfilter.

import { addImmediate, be64 } from '../asm/alu.ts'
import type { Instruction } from '../asm/instruction.ts'
import { loadMember } from '../asm/memory.ts'
import { r1, r2 } from '../asm/register.ts'
import type { MapSpec } from '../program.ts'
import { storeField } from './field.ts'
import type { PrologueRequest } from './hook.ts'

/**
 * The devices that programs at xdp or tc are attached to, by index, with one of `judging`. Packets of all other devices, new ones included, pass there
 * and are judged at nf-input.
 */
export const interfaceMap: MapSpec = {
  name: 'interfaces',
  type: 'HASH',
  keySize: 4,
  valueSize: 4,
  maxEntries: 65536,
  flags: 1,
  shared: true,
}

/**
 * Who judges a listed device's plain packets. Going over to ingress, a device is listed as `both` first, until what was on its way between the hooks has
 * arrived: then no packet is judged by neither.
 */
export const judging = { both: 1, ingress: 2 } as const

/** What is asked of the net_device in r1 into the record: its name, as a number of 128 bits, and its group. Destroys r1 and r2. */
export function storeDevice(request: PrologueRequest, field: 'iif' | 'oif'): Instruction[] {
  const group = `${field}-group` as const
  return [
    ...(request.fields.has(group)
      ? [loadMember('u32', r2, r1, 'net_device', 'group'), storeField(request, group, r2)]
      : []),
    ...storeName(request, field),
  ]
}

/** The name of the net_device in r1 into the record, if it is asked for. Destroys r1 and r2. */
export function storeName(
  request: PrologueRequest,
  field: 'iif' | 'oif' | 'physin' | 'physout',
): Instruction[] {
  if (!request.fields.has(field)) return []
  const half = (offset: 0 | 8) => [
    loadMember('u64', r2, r1, 'net_device', 'name'),
    be64(r2),
    storeField(request, field, r2, offset),
  ]
  // the second half is 8 bytes into the name: step the pointer, not the member
  return [...half(0), addImmediate(r1, 8), ...half(8)]
}
