// Whether anything is attached to a device at ingress. Devices are listed by index, and another may come by the index of one that is gone.

import { addImmediate } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { hasMember, loadMember, loadMemberIfThere } from '../asm/memory.ts'
import { r1, r2 } from '../asm/register.ts'

/** Bytes of struct bpf_xdp_entity, of which a device has one for each mode, and the offset of its link. */
const XDP_ENTITY = 16
const XDP_LINK = 8

/**
 * Goes to `bare` where nothing is attached to the device in r1 that could have judged its packets: it has the index of one that is listed, but that one
 * is gone, or a link was taken off. Destroys r1 and r2.
 */
export function emitAttached(assembler: Assembler, loadDevice: readonly Instruction[], bare: Label): void {
  const attached = assembler.label('attached')
  const old = assembler.label('without_tcx')
  assembler.emit(...loadDevice, addImmediate(r1, XDP_LINK))
  for (const _ of ['generic', 'driver', 'device'])
    assembler.emit(
      loadMember('u64', r2, r1, 'net_device', 'xdp_state'),
      jumpIf('!=', r2, immediate(0), attached),
      addImmediate(r1, XDP_ENTITY),
    )
  assembler.emit(
    hasMember(r2, 'net_device', 'tcx_ingress'),
    jumpIf('==', r2, immediate(0), old),
    ...loadDevice,
    loadMemberIfThere('u64', r2, r1, 'net_device', 'tcx_ingress'),
    jumpIf('!=', r2, immediate(0), attached),
  )
  assembler.place(old)
  assembler.emit(jump(bare))
  assembler.place(attached)
}
