// C types of the kernel that programs meet: members of its structures, and kernel functions. At load they are found by name in
// the kernel's own BTF; this is what has to be known without a kernel: an object file must declare their types
// (libbpf compares them, if not the sizes of integers and what pointers point to, so those are simplified here), and
// the interpreter gives the members a place.
// Source: the kernel's own BTF (bpftool btf dump file /sys/kernel/btf/vmlinux), Linux 6.18.

export type KernelType =
  | 'void'
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'int'
  | { readonly pointer: KernelType }
  | { readonly array: KernelType; readonly length: number }
  /** A structure of the kernel; of one that is a member, with its size. */
  | { readonly struct: string; readonly bytes?: number }

const pointerTo = (struct: string): KernelType => ({ pointer: { struct } })
const anyPointer: KernelType = { pointer: 'void' }

/** Structures by their name, with the members we know. */
export const structs: Readonly<Record<string, Readonly<Record<string, KernelType>>>> = {
  bpf_nf_ctx: { state: pointerTo('nf_hook_state'), skb: pointerTo('sk_buff') },
  nf_hook_state: {
    hook: 'u8',
    pf: 'u8',
    in: pointerTo('net_device'),
    out: pointerTo('net_device'),
    sk: pointerTo('sock'),
    net: pointerTo('net'),
  },
  net_device: {
    name: { array: 'u8', length: 16 },
    ifindex: 'int',
    mtu: 'u32',
    flags: 'u32',
    type: 'u16',
    group: 'u32',
    dev_addr: { pointer: 'u8' },
    rx_handler: anyPointer,
    nf_hooks_ingress: pointerTo('nf_hook_entries'),
    tcx_ingress: pointerTo('bpf_mprog_entry'),
    xdp_state: { array: { struct: 'bpf_xdp_entity', bytes: 16 }, length: 3 },
    nd_net: { struct: 'possible_net', bytes: 8 },
    dev_list: { struct: 'list_head', bytes: 16 },
    ip_ptr: pointerTo('in_device'),
    priv_flags: 'u32',
    adj_list: { struct: 'net_device_adj_list', bytes: 32 },
    index_hlist: { struct: 'hlist_node', bytes: 16 },
    ip6_ptr: pointerTo('inet6_dev'),
  },
  ethhdr: {
    h_dest: { array: 'u8', length: 6 },
    h_source: { array: 'u8', length: 6 },
    h_proto: 'u16',
  },
  sk_buff: {
    sk: pointerTo('sock'),
    dev: pointerTo('net_device'),
    _skb_refdst: 'u64',
    cb: { array: 'u8', length: 48 },
    _nfct: 'u64',
    active_extensions: 'u8',
    extensions: pointerTo('skb_ext'),
    // marks the byte with the bit field pkt_type; takes none of its own in the kernel
    __pkt_type_offset: { array: 'u8', length: 1 },
    len: 'u32',
    data_len: 'u32',
    mac_len: 'u16',
    hash: 'u32',
    mark: 'u32',
    priority: 'u32',
    protocol: 'u16',
    vlan_proto: 'u16',
    vlan_tci: 'u16',
    skb_iif: 'int',
    transport_header: 'u16',
    network_header: 'u16',
    mac_header: 'u16',
    head: anyPointer,
    data: anyPointer,
  },
  nf_conn: {
    tuplehash: { array: { struct: 'nf_conntrack_tuple_hash', bytes: 56 }, length: 2 },
    status: 'u64',
    mark: 'u32',
    secmark: 'u32',
    timeout: 'u32',
    master: pointerTo('nf_conn'),
    ext: pointerTo('nf_ct_ext'),
  },
  nf_ct_ext: { offset: { array: 'u8', length: 9 } },
  nf_conn_help: { helper: pointerTo('nf_conntrack_helper') },
  nf_conntrack_helper: { name: { array: 'u8', length: 16 } },
  nf_ct_event: { ct: pointerTo('nf_conn') },
  xdp_buff: { rxq: pointerTo('xdp_rxq_info') },
  xdp_rxq_info: { dev: pointerTo('net_device') },
  iphdr: {},
  ipv6hdr: {},
  // any 16 bytes of the kernel's memory
  in6_addr: { in6_u: { struct: 'in6_u', bytes: 16 } },
  sock: { sk_socket: pointerTo('socket'), sk_cgrp_data: { struct: 'sock_cgroup_data', bytes: 16 } },
  sock_cgroup_data: { cgroup: pointerTo('cgroup'), classid: 'u32' },
  cgroup: {
    level: 'int',
    kn: pointerTo('kernfs_node'),
    ancestors: { array: pointerTo('cgroup'), length: 0 },
  },
  kernfs_node: { id: 'u64' },
  sock_common: {
    skc_state: 'u8',
    skc_net: { struct: 'possible_net', bytes: 8 },
    skc_listener: pointerTo('sock'),
  },
  socket: { file: pointerTo('file') },
  file: { f_cred: pointerTo('cred') },
  group_info: { ngroups: 'int', gid: { array: 'u32', length: 0 } },
  cred: {
    group_info: pointerTo('group_info'),
    fsuid: { struct: 'kuid', bytes: 4 },
    fsgid: { struct: 'kgid', bytes: 4 },
  },
  dst_entry: { tclassid: 'u32' },
  net: {
    dev_index_head: pointerTo('hlist_head'),
    dev_base_head: { struct: 'list_head', bytes: 16 },
    nf: { struct: 'netns_nf', bytes: 80 },
    ipv4: { struct: 'netns_ipv4', bytes: 1024 },
    ipv6: { struct: 'netns_ipv6', bytes: 8 },
  },
  netns_nf: {
    hooks_ipv4: { array: pointerTo('nf_hook_entries'), length: 5 },
    hooks_ipv6: { array: pointerTo('nf_hook_entries'), length: 5 },
  },
  netns_ipv4: {
    fib_main: pointerTo('fib_table'),
    fib_table_hash: pointerTo('hlist_head'),
    devconf_all: pointerTo('ipv4_devconf'),
    fib_num_tclassid_users: 'u32',
    fib_has_custom_rules: 'u8',
    fib_has_custom_local_routes: 'u8',
  },
  netns_ipv6: { fib6_has_custom_rules: 'u8' },
  // behind the hooks come pointers to their nf_hook_ops
  nf_hook_entries: {
    num_hook_entries: 'u16',
    hooks: { array: { struct: 'nf_hook_entry', bytes: 16 }, length: 0 },
    room: { array: 'u64', length: 12 },
  },
  skb_ext: { offset: { array: 'u8', length: 3 } },
  nf_bridge_info: {
    physinif: 'int',
    physindev: pointerTo('net_device'),
    physoutdev: pointerTo('net_device'),
  },
  // behind pf is hook_ops_type, a bit field of eight bits
  nf_hook_ops: { pf: 'u8', priority: 'int' },
  hlist_node: { next: pointerTo('hlist_node') },
  list_head: { next: pointerTo('list_head') },
  // has no name of its own in the kernel
  net_device_adj_list: { upper: { struct: 'list_head', bytes: 16 } },
  netdev_adjacent: {
    dev: pointerTo('net_device'),
    master: 'u8',
    list: { struct: 'list_head', bytes: 16 },
  },
  fib_table: { tb_hlist: { struct: 'hlist_node', bytes: 16 }, tb_id: 'u32', tb_data: { pointer: 'u64' } },
  trie: { kv: { array: { struct: 'key_vector', bytes: 16 }, length: 1 } },
  tnode: {
    parent: pointerTo('key_vector'),
    kv: { array: { struct: 'key_vector', bytes: 16 }, length: 1 },
  },
  key_vector: { key: 'u32', pos: 'u8', bits: 'u8', slen: 'u8', leaf: { struct: 'hlist_head', bytes: 8 } },
  fib_alias: {
    fa_list: { struct: 'hlist_node', bytes: 16 },
    fa_info: pointerTo('fib_info'),
    fa_dscp: 'u8',
    fa_type: 'u8',
    fa_slen: 'u8',
  },
  fib_info: {
    fib_flags: 'u32',
    fib_dead: 'u8',
    fib_nhs: 'int',
    nh: pointerTo('nexthop'),
    fib_nh: { array: { struct: 'fib_nh', bytes: 112 }, length: 0 },
  },
  fib_nh: { nh_common: { struct: 'fib_nh_common', bytes: 96 } },
  fib_nh_common: { nhc_dev: pointerTo('net_device'), nhc_flags: 'u8' },
  nexthop: { is_group: 'u8', nh_info: pointerTo('nh_info') },
  nh_info: { reject_nh: 'u8', fib_nhc: { struct: 'fib_nh_common', bytes: 96 } },
  nh_group: { num_nh: 'u16', nh_entries: { array: { struct: 'nh_grp_entry', bytes: 80 }, length: 0 } },
  nh_grp_entry: { nh: pointerTo('nexthop') },
  in_device: { cnf: { struct: 'ipv4_devconf', bytes: 152 } },
  ipv4_devconf: { data: { array: 'int', length: 33 } },
  task_struct: { dl: { struct: 'sched_dl_entity', bytes: 256 } },
  sched_dl_entity: { dl_timer: { struct: 'hrtimer', bytes: 64 } },
  hrtimer: { base: pointerTo('hrtimer_clock_base') },
  hrtimer_cpu_base: { clock_base: { array: { struct: 'hrtimer_clock_base', bytes: 64 }, length: 8 } },
  hrtimer_clock_base: { cpu_base: pointerTo('hrtimer_cpu_base'), offset: 'u64' },
  bpf_iter_num: {},
  bpf_dynptr: {},
  __sk_buff: {},
  xdp_md: {},
  bpf_sock_tuple: {},
  bpf_ct_opts: {},
}

/** Enumerations by their name, with the enumerators we know at their places. */
export const enums: Readonly<Record<string, readonly string[]>> = {
  skb_ext_id: ['SKB_EXT_BRIDGE_NF'],
  nf_ct_ext_id: ['NF_CT_EXT_HELPER'],
}

export interface Prototype {
  readonly result: KernelType
  readonly parameters: readonly (readonly [name: string, type: KernelType])[]
}

const conntrackLookup = (context: string): Prototype => ({
  result: pointerTo('nf_conn'),
  parameters: [
    ['ctx', pointerTo(context)],
    ['tuple', pointerTo('bpf_sock_tuple')],
    ['tuple__sz', 'u32'],
    ['opts', pointerTo('bpf_ct_opts')],
    ['opts__sz', 'u32'],
  ],
})

/** Kernel functions by their name. */
export const kfuncs: Readonly<Record<string, Prototype>> = {
  bpf_dynptr_from_skb: {
    result: 'int',
    parameters: [
      ['s', pointerTo('__sk_buff')],
      ['flags', 'u64'],
      ['ptr__uninit', pointerTo('bpf_dynptr')],
    ],
  },
  bpf_dynptr_from_xdp: {
    result: 'int',
    parameters: [
      ['x', pointerTo('xdp_md')],
      ['flags', 'u64'],
      ['ptr__uninit', pointerTo('bpf_dynptr')],
    ],
  },
  bpf_dynptr_slice: {
    result: anyPointer,
    parameters: [
      ['p', pointerTo('bpf_dynptr')],
      ['offset', 'u32'],
      ['buffer__opt', anyPointer],
      ['buffer__szk', 'u32'],
    ],
  },
  bpf_dynptr_size: { result: 'u32', parameters: [['p', pointerTo('bpf_dynptr')]] },
  bpf_iter_num_new: {
    result: 'int',
    parameters: [
      ['it', pointerTo('bpf_iter_num')],
      ['start', 'int'],
      ['end', 'int'],
    ],
  },
  bpf_iter_num_next: { result: { pointer: 'int' }, parameters: [['it', pointerTo('bpf_iter_num')]] },
  bpf_iter_num_destroy: { result: 'void', parameters: [['it', pointerTo('bpf_iter_num')]] },
  bpf_cast_to_kern_ctx: { result: anyPointer, parameters: [['obj', anyPointer]] },
  bpf_rdonly_cast: {
    result: anyPointer,
    parameters: [
      ['obj__ign', anyPointer],
      ['btf_id__k', 'u32'],
    ],
  },
  bpf_xdp_ct_lookup: conntrackLookup('xdp_md'),
  bpf_skb_ct_lookup: conntrackLookup('__sk_buff'),
  bpf_ct_release: { result: 'void', parameters: [['nfct', pointerTo('nf_conn')]] },
}

/** Bytes of the integer types. */
export const integers = { u8: 1, u16: 2, u32: 4, u64: 8, int: 4 } as const

/** Bytes a value takes; a structure that is only ever pointed to takes none. */
export const sizeOfType = (type: KernelType): number => {
  if (type === 'void') return 0
  if (typeof type === 'string') return integers[type]
  if ('pointer' in type) return 8
  return 'array' in type ? sizeOfType(type.array) * type.length : (type.bytes ?? 0)
}
