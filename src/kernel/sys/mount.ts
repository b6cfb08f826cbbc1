import { check, libc } from './libc.ts'

/** BPF_FS_MAGIC of linux/magic.h. */
const bpffsMagic = 0xcafe4a11

/** `struct statfs` is 120 bytes on 64-bit machines and begins with f_type, 8 bytes. */
const statfsSize = 120

/** Whether `path` lies on a bpffs. */
export const isBpffs = (path: string): boolean => {
  const answer = new DataView(new ArrayBuffer(statfsSize))
  check(libc.statfs(path, answer), 'statfs', `see what ${path} lies on`)
  return answer.getUint32(0, true) === bpffsMagic
}

export const mountBpffs = (target: string): void => {
  check(libc.mount('bpf', target, 'bpf', 0, null), 'mount', `mount bpffs on ${target}`)
}

export const unmount = (target: string): void => {
  check(libc.umount2(target, 0), 'umount2', `unmount ${target}`)
}
