/** Ids of kernel helpers, by the names of `enum bpf_func_id` (include/uapi/linux/bpf.h). */
export const helpers = {
  bpf_map_lookup_elem: 1,
  bpf_map_update_elem: 2,
  bpf_map_delete_elem: 3,
  bpf_ktime_get_ns: 5,
  bpf_get_prandom_u32: 7,
  bpf_get_smp_processor_id: 8,
  bpf_skb_store_bytes: 9,
  bpf_l3_csum_replace: 10,
  bpf_l4_csum_replace: 11,
  bpf_tail_call: 12,
  bpf_redirect: 23,
  bpf_perf_event_output: 25,
  bpf_skb_load_bytes: 26,
  bpf_csum_diff: 28,
  bpf_skb_change_tail: 38,
  bpf_skb_pull_data: 39,
  bpf_xdp_adjust_head: 44,
  bpf_get_socket_uid: 47,
  bpf_xdp_adjust_tail: 65,
  bpf_skb_load_bytes_relative: 68,
  bpf_fib_lookup: 69,
  bpf_sk_lookup_tcp: 84,
  bpf_sk_lookup_udp: 85,
  bpf_sk_release: 86,
  bpf_spin_lock: 93,
  bpf_spin_unlock: 94,
  bpf_probe_read_kernel: 113,
  bpf_jiffies64: 118,
  bpf_ktime_get_boot_ns: 125,
  bpf_ringbuf_output: 130,
  bpf_csum_level: 135,
  bpf_redirect_peer: 155,
  bpf_get_current_task_btf: 158,
  bpf_ktime_get_coarse_ns: 160,
  bpf_loop: 181,
  bpf_xdp_load_bytes: 189,
  bpf_map_lookup_percpu_elem: 195,
  bpf_ktime_get_tai_ns: 208,
} as const

export type HelperName = keyof typeof helpers

const names = new Map<number, string>(Object.entries(helpers).map(([name, id]) => [id, name]))

/** The name of a helper, or undefined for one this table does not have. */
export const helperName = (id: number): string | undefined => names.get(id)
