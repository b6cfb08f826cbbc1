// What answers in the kernel's place while the code cache is made (warm.mjs), so that rules are put in force and edited without root: as much of
// bpf(2) as keeps maps and pins. It verifies nothing, attaches nothing, and sees no packet.
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'

const [ENOENT, EPERM] = [2, 1]
/** enum bpf_link_type by enum bpf_attach_type: of XDP, netfilter and tcx ingress. */
const linkTypes = { 37: 6, 45: 10, 46: 11 }
const BPFFS_MAGIC = 0xcafe4a11

/** Stands for the FFI (the package koffi). */
export function pretendKernel() {
  let errno = 0
  /** By id, from 1. A pin is a file that holds an id. */
  const objects = [undefined]
  /** What this process has open, by file descriptors of /dev/null. */
  const open = new Map()
  /** Buffers that attributes point to, by the address they are told. */
  const buffers = [undefined]

  const fail = number => {
    errno = number
    return -1
  }
  const openObject = id => {
    const fd = openSync('/dev/null')
    open.set(fd, id)
    return fd
  }
  const make = (words, elements) => openObject(objects.push({ words, elements }) - 1)
  const bufferAt = (view, at) => buffers[Number(view.getBigUint64(at, true))]
  const pathAt = view => Buffer.from(bufferAt(view, 0)).toString().replace(/\0.*/, '')
  const mapOf = view => objects[open.get(view.getUint32(0, true))].elements
  const keyOf = view => Buffer.from(bufferAt(view, 8)).toString('hex')

  /** By the numbers of `enum bpf_cmd`; all others do nothing, and succeed. */
  const commands = {
    // BPF_MAP_CREATE: its type and three sizes, which are also in what it answers later
    0: view => make(new Uint8Array(view.buffer.slice(0)), new Map()),
    // BPF_MAP_LOOKUP_ELEM
    1(view) {
      const value = mapOf(view).get(keyOf(view))
      if (!value) return fail(ENOENT)
      bufferAt(view, 16).set(value)
      return 0
    },
    // BPF_MAP_UPDATE_ELEM
    2(view) {
      mapOf(view).set(keyOf(view), bufferAt(view, 16).slice())
      return 0
    },
    // BPF_MAP_DELETE_ELEM
    3: view => (mapOf(view).delete(keyOf(view)) ? 0 : fail(ENOENT)),
    // BPF_MAP_GET_NEXT_KEY
    4: () => fail(ENOENT),
    // BPF_PROG_LOAD, BPF_BTF_LOAD
    5: () => make(),
    18: () => make(),
    // BPF_LINK_CREATE
    28: view => openObject(objects.push({ link: linkInfo(view) }) - 1),
    // BPF_OBJ_PIN
    6(view) {
      writeFileSync(pathAt(view), `${open.get(view.getUint32(8, true))}`)
      return 0
    },
    // BPF_OBJ_GET
    7: view =>
      existsSync(pathAt(view)) ? openObject(Number(readFileSync(pathAt(view), 'utf8'))) : fail(ENOENT),
    // BPF_*_GET_NEXT_ID
    11: () => fail(ENOENT),
    23: () => fail(ENOENT),
    31: () => fail(ENOENT),
    // BPF_{PROG,MAP}_GET_FD_BY_ID
    13: view => openObject(view.getUint32(0, true)),
    14: view => openObject(view.getUint32(0, true)),
    // BPF_OBJ_GET_INFO_BY_FD
    15(view) {
      const id = open.get(view.getUint32(0, true))
      describe(id, bufferAt(view, 8))
      return 0
    },
    // BPF_MAP_LOOKUP_BATCH: zeros, to the end
    24: () => fail(ENOENT),
    // BPF_MAP_UPDATE_BATCH
    26: updateBatch,
  }

  /** Its keys and values stand one behind the other. */
  function updateBatch(view) {
    const [keys, values] = [bufferAt(view, 16), bufferAt(view, 24)]
    const [count, { elements, words }] = [
      view.getUint32(32, true),
      objects[open.get(view.getUint32(36, true))],
    ]
    const [keySize, valueSize] = new Uint32Array(words.buffer, 4, 2)
    for (let at = 0; at < count; at++) {
      const key = Buffer.from(keys.buffer, keys.byteOffset + keySize * at, keySize).toString('hex')
      elements.set(key, values.slice(valueSize * at, valueSize * (at + 1)))
    }
    return 0
  }

  /** The beginning of struct bpf_link_info, without its id: what it is made of stands at 16 in both, but for the device, which is what the link leads to. */
  function linkInfo(view) {
    const [target, attachType] = [view.getUint32(4, true), view.getUint32(8, true)]
    const info = new Uint32Array([
      linkTypes[attachType],
      0,
      open.get(view.getUint32(0, true)),
      0,
      target,
      attachType,
      0,
    ])
    if (linkTypes[attachType] === 10) for (let at = 4; at < 7; at++) info[at] = view.getUint32(4 * at, true)
    return new Uint8Array(info.buffer)
  }

  /** struct bpf_map_info, bpf_link_info and bpf_prog_info: every program has every map. */
  function describe(id, info) {
    const view = new DataView(info.buffer, info.byteOffset, info.byteLength)
    const { words, link } = objects[id]
    if (link) info.set(link)
    view.setUint32(4, id, true)
    if (words) {
      info.set(words.subarray(0, 4), 0)
      info.set(words.subarray(4, 16), 8)
      info.set(words.subarray(28, 44), 24)
    } else if (info.length === 232) {
      const maps = objects.flatMap((object, id) => (object?.words ? [id] : []))
      const ids = bufferAt(view, 56)
      if (ids) ids.set(new Uint8Array(Uint32Array.from(maps).buffer).subarray(0, ids.length))
      else view.setUint32(52, maps.length, true)
    }
  }

  /** By the names of libc's functions; all others do nothing, and return 0. */
  const functions = {
    syscall(_, command, attribute) {
      const view = new DataView(attribute.buffer, attribute.byteOffset, attribute.byteLength)
      return commands[command]?.(view) ?? 0
    },
    close(fd) {
      open.delete(fd)
      closeSync(fd)
      return 0
    },
    statfs(_, answer) {
      answer.setUint32(0, BPFFS_MAGIC, true)
      return 0
    },
    open: path => openSync(path),
    if_nametoindex: () => 2,
    socket: () => fail(EPERM),
    strerror: number => `error ${number}`,
  }
  const func = prototype => {
    const called = functions[/(\w+)\(/.exec(prototype)[1]] ?? (() => 0)
    const later = (...words) => setImmediate(words.pop(), null, called(...words))
    return Object.assign((...words) => called(...words), { async: later })
  }
  const address = buffer => BigInt(buffers.push(buffer) - 1)
  return { load: () => ({ func }), address, errno: () => errno }
}
