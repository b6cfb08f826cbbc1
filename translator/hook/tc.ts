// tc ingress: skbs after GRO, tags taken off, before routing. One program for both families. Bytes are read relative to the network
// header, which is where it should be on devices without a link-layer header as well.

import { add, addImmediate, andImmediate, be16, mov, movImmediate } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { call, callKfunc, immediate, jump, jumpIf } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadMember, storeImmediate } from '../asm/memory.ts'
import { r0, r1, r2, r3, r4, r5, r7, r8, r9, r10 } from '../asm/register.ts'
import { packetType } from '../field.ts'
import { asideMap } from './aside.ts'
import { interfaceMap } from './device.ts'
import { earlyFrame } from './early-frame.ts'
import { emitInterfaceId } from './eui64.ts'
import { storeField } from './field.ts'
import type { HookFrame, PrologueRequest, Ways } from './hook.ts'
import {
  BUFFER,
  emitFamilies,
  emitStack,
  familiesOf,
  type IngressAccess,
  LINK_BYTES,
  loadContext,
  MOST_TAGS,
  TAG_BYTES,
  VLAN_ID,
  vlanTypes,
} from './ingress.ts'
import { PACKET_LOOPBACK } from './ip.ts'
import { emitMac, loadDestination } from './mac.ts'
import type { HeaderReader } from './transport.ts'

/** Offsets in struct __sk_buff (include/uapi/linux/bpf.h). */
const context = { packetType: 4, mark: 8, protocol: 16, tagged: 20, tag: 24, index: 40 } as const

/** TCX_DROP, and TCX_NEXT: programs behind this one have their say too. */
const verdicts = { drop: 2, accept: -1 } as const

/** PACKET_OTHERHOST: the frame is for another machine's address. */
const OTHER_HOST = 3

export const tcFrame: HookFrame = { verdicts, maps: [interfaceMap, asideMap], prologue }

export const tcEarlyFrame = (conntrack: boolean): HookFrame => earlyFrame(tcFrame, access, conntrack)

function prologue(assembler: Assembler, requests: readonly PrologueRequest[], ways: Ways): void {
  const { pass } = ways
  const mine = assembler.label('untagged')
  for (const { record } of requests.slice(0, 1)) emitStack(assembler, record)
  assembler.emit(
    load('u32', r2, r1, context.packetType),
    jumpIf('==', r2, immediate(OTHER_HOST), pass, 32),
    jumpIf('==', r2, immediate(PACKET_LOOPBACK), pass, 32),
    load('u32', r2, r1, context.tagged),
    jumpIf('==', r2, immediate(0), mine, 32),
    load('u32', r2, r1, context.tag),
    andImmediate(r2, VLAN_ID),
    jumpIf('!=', r2, immediate(0), pass, 32),
  )
  assembler.place(mine)
  assembler.emit(load('u32', r2, r1, context.protocol), be16(r2), storeImmediate('u64', r10, LINK_BYTES, 0))
  const families = familiesOf(assembler, requests, 'packet')
  emitTags(assembler, families, ways)
  emitFamilies(assembler, families, access, pass)
}

/**
 * Goes to the label of the type in r2. One tag is off the packet already; where it was VLAN 0, the kernel takes off further ones only
 * behind this hook (__netif_receive_skb_core).
 */
function emitTags(
  assembler: Assembler,
  families: readonly { type: number; label: Label }[],
  { pass, refuse }: Ways,
): void {
  for (let tags = 1; tags <= MOST_TAGS; tags++) {
    const tagged = tags < MOST_TAGS ? assembler.label('tagged') : refuse
    for (const { type, label } of families) assembler.emit(jumpIf('==', r2, immediate(type), label, 32))
    for (const type of vlanTypes) assembler.emit(jumpIf('==', r2, immediate(type), tagged, 32))
    assembler.emit(jump(pass))
    if (tagged === refuse) return
    assembler.place(tagged)
    read(assembler, 0, TAG_BYTES, pass)
    assembler.emit(
      load('u16', r1, r0, 0),
      be16(r1),
      andImmediate(r1, VLAN_ID),
      jumpIf('!=', r1, immediate(0), pass, 32),
      load('u16', r2, r0, 2),
      be16(r2),
      storeImmediate('u64', r10, LINK_BYTES, TAG_BYTES * tags),
    )
  }
}

/** BPF_HDR_START_NET */
const FROM_NETWORK_HEADER = 1

const read: HeaderReader = (assembler, at, size, missing) =>
  assembler.emit(
    loadContext(),
    at === 'transport' ? mov(r2, r8) : movImmediate(r2, at),
    load('u64', r3, r10, LINK_BYTES),
    add(r2, r3),
    mov(r3, r10),
    addImmediate(r3, BUFFER),
    movImmediate(r4, size),
    movImmediate(r5, FROM_NETWORK_HEADER),
    call('bpf_skb_load_bytes_relative'),
    jumpIf('!=', r0, immediate(0), missing),
    mov(r0, r10),
    addImmediate(r0, BUFFER),
  )

const access: IngressAccess = {
  read,
  readAny: read,
  // the last byte is there
  checkLength(assembler, missing) {
    assembler.emit(
      loadContext(),
      mov(r2, r9),
      load('u64', r3, r10, LINK_BYTES),
      add(r2, r3),
      addImmediate(r2, -1),
      mov(r3, r10),
      addImmediate(r3, BUFFER),
      movImmediate(r4, 1),
      movImmediate(r5, FROM_NETWORK_HEADER),
      call('bpf_skb_load_bytes_relative'),
      jumpIf('!=', r0, immediate(0), missing),
    )
  },
  link(assembler, request) {
    if (request.fields.has('packet-type'))
      assembler.emit(
        loadContext(),
        load('u32', r1, r1, context.packetType),
        storeField(request, 'packet-type', r1),
      )
    const { fields } = request
    if (!fields.has('mac') && !fields.has('eui64')) return
    assembler.emit(loadContext(), callKfunc('bpf_cast_to_kern_ctx'), mov(r7, r0))
    if (fields.has('mac')) emitMac(assembler, request)
    if (fields.has('eui64')) emitInterfaceId(assembler, request)
  },
  loadIndex: load('u32', r1, r1, context.index),
  loadDevice: [loadMember('u64', r1, r0, 'sk_buff', 'dev')],
  destination(assembler) {
    assembler.emit(loadContext(), callKfunc('bpf_cast_to_kern_ctx'), mov(r1, r0), ...loadDestination())
  },
  whole(assembler, decrypted) {
    assembler.emit(
      loadContext(),
      callKfunc('bpf_cast_to_kern_ctx'),
      loadMember('u8', r1, r0, 'sk_buff', 'active_extensions'),
      jumpIf('!=', r1, immediate(0), decrypted, 32),
    )
  },
  // a program in front of this one may have marked the packet, and routing can depend on that
  lone(assembler, others) {
    assembler.emit(
      loadContext(),
      load('u32', r2, r1, context.packetType),
      jumpIf('!=', r2, immediate(packetType.unicast), others, 32),
      load('u32', r2, r1, context.mark),
      jumpIf('!=', r2, immediate(0), others, 32),
    )
  },
  connectionLookup: 'bpf_skb_ct_lookup',
}
