// What maps, programs, links and BTF have in common: file descriptors, ids, pins and info.

import { object, objectId, objectInfo } from './attribute.ts'
import { bpf, bpfFinds, bpfLater, type Command } from './bpf.ts'
import {
  btfInfo,
  linkInfo,
  mapInfo,
  netfilterLinkInfo,
  programInfo,
  tcxLinkInfo,
  xdpLinkInfo,
} from './info.ts'
import { type Decoded, decode, encode, type Fields, type Layout, type Struct, type Values } from './layout.ts'
import { check, libc } from './libc.ts'

/** A file descriptor of a BPF object (or anything else close(2) takes). */
export type FileDescriptor = number

/** Not Node's closeSync: in a worker thread that complains about descriptors Node did not open. */
export const close = (fd: FileDescriptor): void => {
  check(libc.close(fd), 'close', 'close a file descriptor')
}

/**
 * The same in a thread of its own, some time after this returns. For what is slow to close, since the kernel waits for packets on their way (packet sockets,
 * links); who must know that it is closed uses `close`.
 */
export const closeLater = (fd: FileDescriptor): void => libc.closeLater(fd)

const cString = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`)

/** BPF_OBJ_PIN: `path` must not exist yet, and lie on bpffs. */
export const pinObject = (fd: FileDescriptor, path: string): void => {
  bpf('BPF_OBJ_PIN', encode(object, { pathname: cString(path), bpf_fd: fd }), `pin ${path}`)
}

/** BPF_OBJ_GET: a new file descriptor of what is pinned there. */
export const pinnedObject = (path: string): FileDescriptor =>
  bpf('BPF_OBJ_GET', encode(object, { pathname: cString(path) }), `open the pin ${path}`)

const infoOf =
  <F extends Fields>(struct: Layout<F>, what: string) =>
  (fd: FileDescriptor): Decoded<F> => {
    const info = new Uint8Array(struct.size)
    const attribute = encode(objectInfo, { bpf_fd: fd, info_len: info.length, info })
    bpf('BPF_OBJ_GET_INFO_BY_FD', attribute, `read what ${what} is`)
    return decode(struct, info)
  }

export const programInfoOf = infoOf(programInfo, 'a program')
export const mapInfoOf = infoOf(mapInfo, 'a map')
export const linkInfoOf = infoOf(linkInfo, 'a link')
export const xdpLinkInfoOf = infoOf(xdpLinkInfo, 'an XDP link')
export const tcxLinkInfoOf = infoOf(tcxLinkInfo, 'a TCX link')
export const netfilterLinkInfoOf = infoOf(netfilterLinkInfo, 'a netfilter link')

/** The ids of the maps that a program uses. */
export const programMapIds = (fd: FileDescriptor): readonly number[] => {
  const ids = new Uint32Array(programInfoOf(fd).nr_map_ids)
  const info = encode(programInfo, { nr_map_ids: ids.length, map_ids: new Uint8Array(ids.buffer) })
  const attribute = encode(objectInfo, { bpf_fd: fd, info_len: info.bytes.length, info: info.bytes })
  const pointers = [...attribute.pointers, ...info.pointers]
  bpf('BPF_OBJ_GET_INFO_BY_FD', { bytes: attribute.bytes, pointers }, 'read the maps of a program')
  return [...ids]
}

const askBtf = (fd: FileDescriptor, info: Struct): Struct => {
  const { bytes, pointers } = encode(objectInfo, {
    bpf_fd: fd,
    info_len: info.bytes.length,
    info: info.bytes,
  })
  return { bytes, pointers: [...pointers, ...info.pointers] }
}

const readBtfInfo = (fd: FileDescriptor, into: Values<typeof btfInfo.fields>): number => {
  const info = encode(btfInfo, into)
  bpf('BPF_OBJ_GET_INFO_BY_FD', askBtf(fd, info), 'read what a BTF blob is')
  return decode(btfInfo, info.bytes).btf_size
}

/** The name of a BTF blob: `vmlinux`, a module's, or empty for a program's. */
export const btfNameOf = (fd: FileDescriptor): string => {
  const name = new Uint8Array(64)
  readBtfInfo(fd, { name, name_len: name.length })
  return new TextDecoder().decode(name.subarray(0, name.indexOf(0)))
}

/** A BTF blob itself. */
export const btfBytesOf = (fd: FileDescriptor): Uint8Array => {
  const btf = new Uint8Array(readBtfInfo(fd, {}))
  readBtfInfo(fd, { btf, btf_size: btf.length })
  return btf
}

/** The same in a thread of its own; undefined where it failed, whatever the reason. */
export const btfBytesLater = async (fd: FileDescriptor): Promise<Uint8Array | undefined> => {
  const btf = new Uint8Array(readBtfInfo(fd, {}))
  const info = encode(btfInfo, { btf, btf_size: btf.length })
  const answer = await bpfLater('BPF_OBJ_GET_INFO_BY_FD', askBtf(fd, info))
  return answer === undefined ? undefined : btf
}

const nextId = (command: Command, after: number): number | undefined => {
  const attribute = encode(objectId, { start_id: after })
  const found = bpfFinds(command, attribute, 'list BPF objects')
  return found ? decode(objectId, attribute.bytes).next_id : undefined
}

const ids = (command: Command) =>
  function* (): Generator<number> {
    for (let id = nextId(command, 0); id !== undefined; id = nextId(command, id)) yield id
  }

/** The ids of all programs, links or BTF blobs of the machine, whatever their namespace. */
export const programIds = ids('BPF_PROG_GET_NEXT_ID')
export const linkIds = ids('BPF_LINK_GET_NEXT_ID')
export const btfIds = ids('BPF_BTF_GET_NEXT_ID')

const byId =
  (command: Command, what: string) =>
  (id: number): FileDescriptor =>
    bpf(command, encode(objectId, { start_id: id }), `open ${what} ${id}`)

/** Opens an object by id; ENOENT if it has gone since. */
export const programById = byId('BPF_PROG_GET_FD_BY_ID', 'program')
export const linkById = byId('BPF_LINK_GET_FD_BY_ID', 'link')
export const mapById = byId('BPF_MAP_GET_FD_BY_ID', 'map')
export const btfById = byId('BPF_BTF_GET_FD_BY_ID', 'BTF')
