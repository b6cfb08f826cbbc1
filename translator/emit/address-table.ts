// Which table holds the routes of a device (l3mdev_fib_table): `local`, but of a VRF and the devices in it the VRF's own.

import { add, addImmediate, andImmediate, mov, mov32, movImmediate } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { addMember, structSize, subMember } from '../asm/memory.ts'
import { peek, peekPointer, peekWord } from '../asm/peek.ts'
import { r1, r8, r9 } from '../asm/register.ts'
import { IN_VRF } from '../hook/fit.ts'

/** RT_TABLE_LOCAL. */
const TABLE_LOCAL = 255

/** IFF_L3MDEV_MASTER (include/linux/netdevice.h). */
const VRF = 1 << 18

/** What netdev_priv leaves out behind a net_device is a multiple of this. */
const DEVICE_ALIGNMENT = 32
/** tb_id in struct net_vrf (drivers/net/vrf.c), the same from Linux 6.1 to 7.3. Its types may be missing when rules are loaded: its module comes with the first VRF. */
const VRF_TABLE = 24

/** r9 = the number of the table for the device in r8, or without one for 0; loses r8 and r0 to r5. */
export function emitTableNumber(assembler: Assembler): void {
  const vrf = assembler.label('vrf')
  const known = assembler.label('table_known')
  assembler.emit(
    movImmediate(r9, TABLE_LOCAL),
    jumpIf('==', r8, immediate(0), known),
    ...peekPointer(r1, r8, 'net_device', 'priv_flags'),
    jumpIf('&', r1, immediate(VRF), vrf),
    andImmediate(r1, IN_VRF),
    jumpIf('==', r1, immediate(0), known),
    ...loadMaster(known),
  )
  assembler.place(vrf)
  assembler.emit(
    structSize(r1, 'net_device'),
    addImmediate(r1, DEVICE_ALIGNMENT - 1),
    andImmediate(r1, -DEVICE_ALIGNMENT),
    add(r8, r1),
    addImmediate(r8, VRF_TABLE),
    ...peekWord(r9, r8),
    mov32(r9, r9),
  )
  assembler.place(known)
}

/** r8 = the device that the one in r8 is a part of, the first in its list; goes to `none` where there is none that is its master. */
const loadMaster = (none: Label): Instruction[] => [
  addMember(r8, 'net_device', 'adj_list', 'upper'),
  ...peekPointer(r1, r8, 'list_head', 'next'),
  jumpIf('==', r1, register(r8), none),
  mov(r8, r1),
  subMember(r8, 'netdev_adjacent', 'list'),
  ...peek('u8', r1, r8, 'netdev_adjacent', 'master'),
  jumpIf('==', r1, immediate(0), none),
  ...peekPointer(r8, r8, 'netdev_adjacent', 'dev'),
]
