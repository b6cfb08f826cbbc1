// XDP: frames as they come in, before anything else has looked at them. One program for both families.

import { add, addImmediate, andImmediate, be16, mov, movImmediate } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { call, immediate, jump, jumpIf, register } from '../asm/jump.ts'
import type { Label } from '../asm/label.ts'
import { load, loadMember, store } from '../asm/memory.ts'
import { r0, r1, r2, r3, r4, r7, r8, r9, r10 } from '../asm/register.ts'
import { packetType } from '../field.ts'
import { asideMap } from './aside.ts'
import { interfaceMap } from './device.ts'
import { earlyFrame } from './early-frame.ts'
import { storeInterfaceId } from './eui64.ts'
import { setField } from './field.ts'
import { forget } from './forget.ts'
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
import { storeMac } from './mac.ts'

/** Offsets in struct xdp_md (include/uapi/linux/bpf.h). */
const context = { data: 0, dataEnd: 4, index: 12 } as const

/** XDP_DROP and XDP_PASS. */
const verdicts = { drop: 1, accept: 2 } as const

export const xdpFrame: HookFrame = { verdicts, maps: [interfaceMap, asideMap], prologue }

export const xdpEarlyFrame = (conntrack: boolean): HookFrame => earlyFrame(xdpFrame, access, conntrack)

function prologue(assembler: Assembler, requests: readonly PrologueRequest[], ways: Ways): void {
  for (const { record } of requests.slice(0, 1)) emitStack(assembler, record)
  const families = familiesOf(assembler, requests, 'frame')
  emitEthernet(assembler, families, ways)
  emitFamilies(assembler, families, access, ways.pass)
}

const ETHERNET_BYTES = 14
/** Covers the length of a header with the most tags. */
const LINK_MASK = 31

/** Goes to the label of the frame's type, with the length of the link-layer header on the stack. A frame of a VLAN is another device's. */
function emitEthernet(
  assembler: Assembler,
  families: readonly { type: number; label: Label }[],
  { pass, refuse }: Ways,
): void {
  for (let tags = 0; tags <= MOST_TAGS; tags++) {
    const bytes = ETHERNET_BYTES + TAG_BYTES * tags
    readFrame(assembler, bytes, pass)
    assembler.emit(
      load('u16', r1, r0, bytes - 2),
      be16(r1),
      // not known to the verifier, which would follow all that comes behind for each number of tags
      movImmediate(r2, bytes),
      ...forget(r2, r1),
      andImmediate(r2, LINK_MASK),
      store('u64', r10, LINK_BYTES, r2),
    )
    for (const { type, label } of families) assembler.emit(jumpIf('==', r1, immediate(type), label, 32))
    const tagged = tags < MOST_TAGS ? assembler.label('tagged') : refuse
    for (const type of vlanTypes) assembler.emit(jumpIf('==', r1, immediate(type), tagged, 32))
    assembler.emit(jump(pass))
    if (tagged === refuse) return
    assembler.place(tagged)
    readFrame(assembler, bytes + TAG_BYTES, pass)
    assembler.emit(
      load('u16', r1, r0, bytes),
      be16(r1),
      andImmediate(r1, VLAN_ID),
      jumpIf('!=', r1, immediate(0), pass, 32),
    )
  }
}

/** The frame to r0, of which so many bytes are there. */
function readFrame(assembler: Assembler, size: number, missing: Label): void {
  assembler.emit(
    loadContext(),
    load('u32', r0, r1, context.data),
    load('u32', r2, r1, context.dataEnd),
    mov(r1, r0),
    addImmediate(r1, size),
    jumpIf('>', r1, register(r2), missing),
  )
}

const access: IngressAccess = {
  read(assembler, at, size, missing) {
    assembler.emit(
      loadContext(),
      load('u32', r0, r1, context.data),
      load('u32', r2, r1, context.dataEnd),
      load('u64', r3, r10, LINK_BYTES),
      add(r0, r3),
      at === 'transport' ? add(r0, r8) : addImmediate(r0, at),
      mov(r1, r0),
      addImmediate(r1, size),
      jumpIf('>', r1, register(r2), missing),
    )
  },
  // a pointer moved by a number without a bound is none to the verifier
  readAny(assembler, _, size, missing) {
    assembler.emit(
      loadContext(),
      load('u64', r2, r10, LINK_BYTES),
      add(r2, r8),
      mov(r3, r10),
      addImmediate(r3, BUFFER),
      movImmediate(r4, size),
      call('bpf_xdp_load_bytes'),
      jumpIf('!=', r0, immediate(0), missing),
      mov(r0, r10),
      addImmediate(r0, BUFFER),
    )
  },
  checkLength(assembler, missing) {
    assembler.emit(
      loadContext(),
      load('u32', r0, r1, context.data),
      load('u32', r2, r1, context.dataEnd),
      load('u64', r3, r10, LINK_BYTES),
      add(r0, r3),
      add(r0, r9),
      jumpIf('>', r0, register(r2), missing),
    )
  },
  link: emitLink,
  loadIndex: load('u32', r1, r1, context.index),
  loadDevice: [
    loadMember('u64', r1, r0, 'xdp_buff', 'rxq'),
    loadMember('u64', r1, r1, 'xdp_rxq_info', 'dev'),
  ],
  destination(assembler, missing) {
    readFrame(assembler, ETHERNET_BYTES, missing)
    assembler.emit(load('u32', r1, r0, 0), load('u16', r2, r0, 4))
  },
  // the driver has what came by the wire
  whole: () => {},
  // tc comes next
  lone(assembler, others) {
    assembler.emit(
      loadMember('u64', r1, r7, 'net_device', 'tcx_ingress'),
      jumpIf('!=', r1, immediate(0), others),
    )
  },
  connectionLookup: 'bpf_xdp_ct_lookup',
}

/** Offset of the source address in an Ethernet header; the destination comes first. */
const SOURCE = 6
/** Of a group of machines; all bits set are all machines. */
const GROUP_BIT = 1
const ALL = { low: -1, high: 0xffff } as const

function emitLink(assembler: Assembler, request: PrologueRequest, pass: Label): void {
  const loadSource = [load('u32', r1, r0, SOURCE), load('u16', r2, r0, SOURCE + 4)]
  if (request.fields.has('mac')) {
    readFrame(assembler, ETHERNET_BYTES, pass)
    assembler.emit(...loadSource, ...storeMac(request))
  }
  if (request.fields.has('eui64')) {
    readFrame(assembler, ETHERNET_BYTES, pass)
    assembler.emit(...loadSource, ...storeInterfaceId(request))
  }
  if (!request.fields.has('packet-type')) return
  const done = assembler.label('packet_type')
  readFrame(assembler, ETHERNET_BYTES, pass)
  assembler.emit(
    load('u8', r1, r0, 0),
    andImmediate(r1, GROUP_BIT),
    jumpIf('==', r1, immediate(0), done),
    setField(request, 'packet-type', packetType.multicast),
    load('u32', r1, r0, 0),
    jumpIf('!=', r1, immediate(ALL.low), done, 32),
    load('u16', r1, r0, 4),
    jumpIf('!=', r1, immediate(ALL.high), done, 32),
    setField(request, 'packet-type', packetType.broadcast),
  )
  assembler.place(done)
}
