// Whether a frame is one whose packet IP gets from its own device: xdp and tc judge no others, and nf-input asks the same of what comes to it.

import { mov } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { callKfunc, immediate, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { addMember, load, loadMember, store, typeId } from '../asm/memory.ts'
import { r0, r1, r2, r3, r10 } from '../asm/register.ts'

const ARPHRD_ETHER = 1
/** IFF_L3MDEV_SLAVE (include/linux/netdevice.h): IP gets what comes in from the VRF that the device is in. */
export const IN_VRF = 1 << 21

export interface FitCheck {
  /** Loads the device into r1, from registers that calls leave alone. */
  readonly loadDevice: readonly Instruction[]
  /** Loads the address that the frame is for: its first four bytes into r1 and its last two into r2, as they stand. */
  destination(assembler: Assembler, missing: Label): void
  /** Where 16 bytes of stack are free, from the frame pointer. */
  readonly scratch: number
  /** Where to go with other frames. */
  readonly odd: Label
}

/**
 * Goes to `odd` unless the frame is for the device's own address and its packet goes to IP from here: not to a bridge or another device that this one
 * is a port of, nor through an ingress chain of nf_tables. Destroys r0 to r5.
 */
export function emitFit(assembler: Assembler, { loadDevice, destination, scratch, odd }: FitCheck): void {
  assembler.emit(
    ...loadDevice,
    loadMember('u16', r2, r1, 'net_device', 'type'),
    jumpIf('!=', r2, immediate(ARPHRD_ETHER), odd, 32),
    // a bit field of 32 bits since Linux 6.12, which libbpf relocates in an addition, not in a load
    mov(r2, r1),
    addMember(r2, 'net_device', 'priv_flags'),
    load('u32', r2, r2, 0),
    jumpIf('&', r2, immediate(IN_VRF), odd),
    loadMember('u64', r2, r1, 'net_device', 'rx_handler'),
    jumpIf('!=', r2, immediate(0), odd),
    loadMember('u64', r2, r1, 'net_device', 'nf_hooks_ingress'),
    jumpIf('!=', r2, immediate(0), odd),
    loadMember('u64', r1, r1, 'net_device', 'dev_addr'),
    typeId(r2, 'in6_addr'),
    callKfunc('bpf_rdonly_cast'),
    load('u32', r1, r0, 0),
    load('u16', r2, r0, 4),
    store('u64', r10, scratch, r1),
    store('u64', r10, scratch + 8, r2),
  )
  destination(assembler, odd)
  assembler.emit(
    load('u64', r3, r10, scratch),
    jumpIf('!=', r1, register(r3), odd, 32),
    load('u64', r3, r10, scratch + 8),
    jumpIf('!=', r2, register(r3), odd, 32),
  )
}
