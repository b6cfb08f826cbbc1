// `union bpf_attr`: one layout for each command's part of it. Names as in include/uapi/linux/bpf.h; a command's
// later fields that we never set are left out, and the kernel takes a shorter attribute as zero-filled.

import { layout, pointer, s32, text, u32, u64 } from './layout.ts'

/** BPF_OBJ_NAME_LEN, with the NUL. */
export const objectNameLength = 16

export const mapCreate = layout(72, {
  map_type: u32(0),
  key_size: u32(4),
  value_size: u32(8),
  max_entries: u32(12),
  map_flags: u32(16),
  map_name: text(28, objectNameLength),
})

/** BPF_MAP_{LOOKUP,UPDATE,DELETE}_ELEM and BPF_MAP_GET_NEXT_KEY, for which `value` is the next key. */
export const mapElement = layout(32, {
  map_fd: u32(0),
  key: pointer(8),
  value: pointer(16),
  flags: u64(24),
})

/** BPF_MAP_*_BATCH; `count` is elements, and comes back as how many were done. */
export const mapBatch = layout(56, {
  in_batch: pointer(0),
  out_batch: pointer(8),
  keys: pointer(16),
  values: pointer(24),
  count: u32(32),
  map_fd: u32(36),
  elem_flags: u64(40),
  flags: u64(48),
})

export const programLoad = layout(128, {
  prog_type: u32(0),
  insn_cnt: u32(4),
  insns: pointer(8),
  license: pointer(16),
  log_level: u32(24),
  log_size: u32(28),
  log_buf: pointer(32),
  prog_flags: u32(44),
  prog_name: text(48, objectNameLength),
  expected_attach_type: u32(68),
  prog_btf_fd: u32(72),
  func_info_rec_size: u32(76),
  func_info: pointer(80),
  func_info_cnt: u32(88),
  fd_array: pointer(120),
})

export const btfLoad = layout(32, {
  btf: pointer(0),
  btf_log_buf: pointer(8),
  btf_size: u32(16),
  btf_log_size: u32(20),
  btf_log_level: u32(24),
})

/** BPF_OBJ_PIN and BPF_OBJ_GET. */
export const object = layout(16, { pathname: pointer(0), bpf_fd: u32(8), file_flags: u32(12) })

export const objectInfo = layout(16, { bpf_fd: u32(0), info_len: u32(4), info: pointer(8) })

/** BPF_*_GET_NEXT_ID and BPF_*_GET_FD_BY_ID: the first word is where to start, or the id itself. */
export const objectId = layout(12, { start_id: u32(0), next_id: u32(4), open_flags: u32(8) })

export const testRun = layout(80, {
  prog_fd: u32(0),
  retval: u32(4),
  data_size_in: u32(8),
  data_size_out: u32(12),
  data_in: pointer(16),
  data_out: pointer(24),
  repeat: u32(32),
  duration: u32(36),
  ctx_size_in: u32(40),
  ctx_size_out: u32(44),
  ctx_in: pointer(48),
  ctx_out: pointer(56),
  flags: u32(64),
  cpu: u32(68),
  batch_size: u32(72),
})

/** BPF_LINK_CREATE for a device (XDP): `target_ifindex`. */
export const linkCreate = layout(32, {
  prog_fd: u32(0),
  target_ifindex: u32(4),
  attach_type: u32(8),
  flags: u32(12),
})

export const linkCreateTcx = layout(32, {
  ...linkCreate.fields,
  relative_fd: u32(16),
  expected_revision: u64(24),
})

export const linkCreateNetfilter = layout(32, {
  ...linkCreate.fields,
  pf: u32(16),
  hooknum: u32(20),
  priority: s32(24),
  netfilter_flags: u32(28),
})

export const linkUpdate = layout(16, {
  link_fd: u32(0),
  new_prog_fd: u32(4),
  flags: u32(8),
  old_prog_fd: u32(12),
})

export const linkDetach = layout(4, { link_fd: u32(0) })
