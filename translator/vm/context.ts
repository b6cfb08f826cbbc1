// What a program is called with, by hook: a packet and what the kernel knows of it.

import { VmError } from './error.ts'
import { makeStruct } from './kernel-struct.ts'
import {
  type Fields,
  type Memory,
  newFieldRegion,
  newRegion,
  nullPointer,
  type Pointer,
  type Region,
} from './memory.ts'

/** A frame as a driver hands it over: from the Ethernet header on. */
export interface XdpInput {
  readonly kind: 'xdp'
  readonly packet: Uint8Array
  readonly ifindex: number
  /** Its name; programs find it in the kernel's own context. */
  readonly device?: string
  /** Its MAC address; left out, it is the one that the frame is for. */
  readonly address?: Uint8Array
}

/** A frame in an skb: from the Ethernet header on, without the outer VLAN tag. */
export interface TcInput {
  readonly kind: 'tc'
  readonly packet: Uint8Array
  readonly ifindex: number
  /** Its name; programs find it in the kernel's own context. */
  readonly device?: string
  /** Its MAC address; left out, it is the one that the frame is for. */
  readonly address?: Uint8Array
  /** The device it came in by; 0 if it was made here. */
  readonly ingressIfindex: number
  /** Ethertype. */
  readonly protocol: number
  readonly vlan?: { readonly tci: number; readonly protocol: number }
  readonly mark?: number
  /** Bytes the skb has in one piece; all if left out. */
  readonly linear?: number
}

export interface Device {
  readonly name: string
  readonly ifindex: number
  /** Its MAC address; zeros if left out. */
  readonly address?: Uint8Array
}

/** How a packet belongs to a connection. */
export interface Conntrack {
  /** `enum ip_conntrack_info`. */
  readonly info: number
  /** IPS_* bits. */
  readonly status: number
  readonly mark?: number
}

/** A packet at a netfilter hook: from the IP header on. */
export interface NetfilterInput {
  readonly kind: 'netfilter'
  readonly packet: Uint8Array
  /** NF_INET_*. */
  readonly hook: number
  /** NFPROTO_IPV4 or NFPROTO_IPV6. */
  readonly pf: 2 | 10
  readonly in?: Device
  readonly out?: Device
  readonly mark?: number
  /** None if conntrack did not see the packet; `untracked` if a rule said NOTRACK. */
  readonly conntrack?: Conntrack | 'untracked'
  readonly linear?: number
  /** The header of the Ethernet frame that it came in. */
  readonly frame?: Uint8Array
}

export type VmInput = XdpInput | TcInput | NetfilterInput

/** A program's context, made for one run. */
export interface Context {
  readonly address: Pointer
  /** The packet as the program sees and leaves it. */
  readonly packet: Uint8Array
  /** The skb, for kernel functions that are given one; none for xdp. */
  readonly skb: Pointer | undefined
  /** What bpf_cast_to_kern_ctx yields at xdp and tc. */
  readonly kernel?: Pointer
  /** The part of the packet that is in one piece, which the program may address. */
  direct: Region
  /** The skb's mark, which a tc program may have changed. */
  readonly mark: () => number
}

const number = (low: number): Pointer => ({ low, high: 0 })

/** `struct xdp_md` of include/uapi/linux/bpf.h: data 0, data_end 4, data_meta 8, ingress_ifindex 12, rx_queue_index 16. */
const xdpFields = (memory: Memory, direct: Region, input: XdpInput): Fields => ({
  read: (offset, size) => {
    if (size !== 4) return undefined
    if (offset === 0 || offset === 8) return memory.map(direct)
    if (offset === 4) return memory.map(direct, direct.bytes.length)
    if (offset === 12) return number(input.ifindex)
    return offset === 16 ? number(0) : undefined
  },
  write: () => false,
})

/** The first `length` bytes of a packet as a region. */
const directRegion = (packet: Uint8Array, length: number, writable: boolean): Region =>
  newRegion('the packet', packet.subarray(0, length), writable)

/** Bring more of the packet into one piece, as bpf_skb_pull_data does. */
export const pull = (context: Context, length: number): void => {
  const { direct, packet } = context
  if (length > direct.bytes.length) context.direct = directRegion(packet, length, direct.writable)
}

const xdpContext = (memory: Memory, input: XdpInput): Context => {
  const packet = input.packet.slice()
  const direct = directRegion(packet, packet.length, true)
  const address = memory.map(newFieldRegion('xdp_md', xdpFields(memory, direct, input)))
  const rxq = makeStruct(memory, 'xdp_rxq_info', { dev: deviceOf(memory, input) })
  const kernel = makeStruct(memory, 'xdp_buff', { rxq })
  return { address, packet, skb: undefined, kernel, direct, mark: () => 0 }
}

/** Offsets in `struct __sk_buff` of include/uapi/linux/bpf.h. */
const skbOffset = {
  len: 0,
  mark: 8,
  queue_mapping: 12,
  protocol: 16,
  vlan_present: 20,
  vlan_tci: 24,
  vlan_proto: 28,
  priority: 32,
  ingress_ifindex: 36,
  ifindex: 40,
  tc_index: 44,
  cb: 48,
  hash: 68,
  tc_classid: 72,
  data: 76,
  data_end: 80,
} as const

const networkOrder = (value: number): number => ((value & 0xff) << 8) | (value >> 8)

/** The fields that are numbers, as bytes; those a program may write are the last five. */
const skbBytes = (input: TcInput): DataView => {
  const view = new DataView(new ArrayBuffer(skbOffset.data))
  const set = (field: Exclude<keyof typeof skbOffset, 'data' | 'data_end'>, value: number): void =>
    view.setUint32(skbOffset[field], value, true)
  set('len', input.packet.length)
  set('mark', input.mark ?? 0)
  set('protocol', networkOrder(input.protocol))
  set('vlan_present', input.vlan ? 1 : 0)
  set('vlan_tci', input.vlan?.tci ?? 0)
  set('vlan_proto', networkOrder(input.vlan?.protocol ?? 0))
  set('ingress_ifindex', input.ingressIfindex)
  set('ifindex', input.ifindex)
  return view
}

const writableFields = [skbOffset.mark, skbOffset.priority, skbOffset.tc_index, skbOffset.tc_classid]

const isWritable = (offset: number): boolean =>
  writableFields.some(field => field === offset) || (offset >= skbOffset.cb && offset < skbOffset.cb + 20)

const tcFields = (memory: Memory, direct: () => Region, view: DataView): Fields => ({
  read: (offset, size) => {
    if (size === 4 && offset === skbOffset.data) return memory.map(direct())
    if (size === 4 && offset === skbOffset.data_end) return memory.map(direct(), direct().bytes.length)
    if (offset < 0 || offset + size > view.byteLength || offset % size !== 0 || size === 8) return undefined
    if (size === 4) return number(view.getUint32(offset, true))
    return number(size === 2 ? view.getUint16(offset, true) : view.getUint8(offset))
  },
  write: (offset, size, value) => {
    if (size !== 4 || !isWritable(offset)) return false
    view.setUint32(offset, value, true)
    return true
  },
})

const tcContext = (memory: Memory, input: TcInput): Context => {
  const packet = input.packet.slice()
  const view = skbBytes(input)
  const fields = tcFields(memory, () => context.direct, view)
  const address = memory.map(newFieldRegion('__sk_buff', fields))
  const context: Context = {
    address,
    packet,
    skb: address,
    kernel: makeStruct(memory, 'sk_buff', { dev: deviceOf(memory, input), ...frameIn(memory, packet) }),
    direct: directRegion(packet, input.linear ?? packet.length, true),
    mark: () => view.getUint32(skbOffset.mark, true),
  }
  return context
}

/** A device's name as the kernel has it: 16 bytes, filled up with zeros. */
const deviceName = (name: string): Uint8Array => {
  if (name.length > 15) throw new VmError('ERR_VM_ARGUMENT', `device name ${name} has more than 15 bytes`)
  const bytes = new Uint8Array(16)
  bytes.set(Uint8Array.from(name, character => character.charCodeAt(0)))
  return bytes
}

const ARPHRD_ETHER = 1
const MAC_BYTES = 6
const ETHERNET_BYTES = 14

const devicePointer = (memory: Memory, device: Device | undefined): Pointer =>
  device
    ? makeStruct(memory, 'net_device', {
        name: deviceName(device.name),
        ifindex: device.ifindex,
        type: ARPHRD_ETHER,
        dev_addr: memory.map(newRegion('a MAC address', device.address ?? new Uint8Array(MAC_BYTES), false)),
        xdp_state: attachedXdp,
        nd_net: netPointer(memory),
      })
    : nullPointer

/** One link, in the driver: devices that are listed as judged at ingress are attached to. */
const attachedXdp = Uint8Array.from({ length: 48 }, (_, at) => (at === 24 ? 1 : 0))

const deviceOf = (memory: Memory, { device, ifindex, address, packet }: XdpInput | TcInput): Pointer =>
  devicePointer(memory, {
    name: device ?? '',
    ifindex,
    address: address ?? packet.slice(0, MAC_BYTES),
  })

/** NF_HOOK_OP_BPF in the byte behind pf, at the first priority behind the filter table. */
const ownHook = { pf: 2 << 8, priority: 1 } as const
const LOCAL_IN = 1

/** A network namespace whose only hook is the program at LOCAL_IN. */
const netPointer = (memory: Memory): Pointer => {
  const ops = makeStruct(memory, 'nf_hook_ops', ownHook)
  const hooks = new Uint8Array(3 * 8)
  const lists = new Uint8Array(10 * 8)
  putPointer(hooks, 2, ops)
  const entries = makeStruct(memory, 'nf_hook_entries', { num_hook_entries: 1, hooks })
  for (const first of [0, 5]) putPointer(lists, first + LOCAL_IN, entries)
  return makeStruct(memory, 'net', { nf: lists })
}

const putPointer = (bytes: Uint8Array, index: number, { low, high }: Pointer): void => {
  const view = new DataView(bytes.buffer)
  view.setUint32(8 * index, low, true)
  view.setUint32(8 * index + 4, high, true)
}

/** Where an skb has its Ethernet header. */
const frameIn = (memory: Memory, frame: Uint8Array) => ({
  head: memory.map(newRegion('the frame', frame, false)),
  mac_header: 0,
  network_header: ETHERNET_BYTES,
})

/** IP_CT_UNTRACKED of `enum ip_conntrack_info`: there is no connection then. */
const UNTRACKED = 7

/** skb->_nfct: the connection's address, and in its lowest three bits how the packet belongs to it. */
const connectionPointer = (memory: Memory, conntrack: NetfilterInput['conntrack']): Pointer => {
  if (conntrack === undefined) return nullPointer
  if (conntrack === 'untracked') return number(UNTRACKED)
  const { low, high } = makeStruct(memory, 'nf_conn', { status: conntrack.status, mark: conntrack.mark ?? 0 })
  return { low: low | conntrack.info, high }
}

const netfilterContext = (memory: Memory, input: NetfilterInput): Context => {
  const packet = input.packet.slice()
  const direct = directRegion(packet, input.linear ?? packet.length, false)
  const skb = makeStruct(memory, 'sk_buff', {
    len: packet.length,
    mark: input.mark ?? 0,
    protocol: networkOrder(input.pf === 2 ? 0x0800 : 0x86dd),
    skb_iif: input.in?.ifindex ?? 0,
    _nfct: connectionPointer(memory, input.conntrack),
    data: memory.map(direct),
    data_len: packet.length - direct.bytes.length,
    ...(input.frame && frameIn(memory, input.frame)),
  })
  const state = makeStruct(memory, 'nf_hook_state', {
    hook: input.hook,
    pf: input.pf,
    in: devicePointer(memory, input.in),
    out: devicePointer(memory, input.out),
    net: netPointer(memory),
  })
  return {
    address: makeStruct(memory, 'bpf_nf_ctx', { state, skb }),
    packet,
    skb,
    direct,
    mark: () => input.mark ?? 0,
  }
}

/** The context a packet is given to a program with. */
export const newContext = (memory: Memory, input: VmInput): Context => {
  switch (input.kind) {
    case 'xdp':
      return xdpContext(memory, input)
    case 'tc':
      return tcContext(memory, input)
    case 'netfilter':
      return netfilterContext(memory, input)
  }
}
