// What BPF_OBJ_GET_INFO_BY_FD answers, as far as we read it. Kernels fill in as much as they know; the rest is zero.

import { layout, pointer, s32, text, u32, u64 } from './layout.ts'

export const programInfo = layout(232, {
  type: u32(0),
  id: u32(4),
  jited_prog_len: u32(16),
  xlated_prog_len: u32(20),
  /** Nanoseconds since boot. */
  load_time: u64(40),
  nr_map_ids: u32(52),
  map_ids: pointer(56),
  name: text(64, 16),
  btf_id: u32(128),
  run_time_ns: u64(192),
  run_cnt: u64(200),
  verified_insns: u32(216),
})

export const mapInfo = layout(88, {
  type: u32(0),
  id: u32(4),
  key_size: u32(8),
  value_size: u32(12),
  max_entries: u32(16),
  map_flags: u32(20),
  name: text(24, 16),
})

const link = { type: u32(0), id: u32(4), prog_id: u32(8) } as const

/** `struct bpf_link_info`; what follows at 16 depends on the type. */
export const linkInfo = layout(64, link)
export const xdpLinkInfo = layout(64, { ...link, ifindex: u32(16) })
export const tcxLinkInfo = layout(64, { ...link, ifindex: u32(16), attach_type: u32(20) })
export const netfilterLinkInfo = layout(64, {
  ...link,
  pf: u32(16),
  hooknum: u32(20),
  priority: s32(24),
  flags: u32(28),
})

export const btfInfo = layout(32, {
  btf: pointer(0),
  btf_size: u32(8),
  id: u32(12),
  name: pointer(16),
  name_len: u32(24),
})
