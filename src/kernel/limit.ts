// What the kernel will not take, told before anything is made of it.

import { readFileSync } from 'node:fs'
import { slotCount } from '../../translator/asm/encode.ts'
import { type MapSpec, type MapType, MOST_INSTRUCTIONS, type ProgramSpec } from '../../translator/program.ts'
import { possibleCpus } from './counter.ts'
import { KernelError } from './error.ts'

/** Throws KernelError('ERR_LIMIT') for a program that is too long. */
export function requireShort({ name, functions }: ProgramSpec): void {
  const slots = functions.reduce((sum, { instructions }) => sum + slotCount(instructions), 0)
  if (slots <= MOST_INSTRUCTIONS) return
  throw new KernelError(
    'ERR_LIMIT',
    `the program ${name} has ${slots.toLocaleString('en-US')} instructions, and the kernel takes one million`,
    'It takes fewer rules, or rules that are more alike: lists of exact addresses and ports are looked up and need no instructions.',
  )
}

const eight = (size: number): number => Math.ceil(size / 8) * 8
const powerOfTwo = (number: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, number)))

/** sizeof(struct htab_elem), sizeof(struct bucket), sizeof(struct lpm_trie_node) on 64-bit machines. */
const [HASH_ELEMENT, HASH_BUCKET, TRIE_NODE] = [48, 16, 40]

/** Bytes that the elements of a map take, as its map_mem_usage counts (kernel/bpf/hashtab.c, arraymap.c, lpm_trie.c). */
const memoryOf: Readonly<Record<MapType, (spec: MapSpec) => number>> = {
  HASH: ({ keySize, valueSize, maxEntries }) =>
    (maxEntries + possibleCpus()) * (HASH_ELEMENT + eight(keySize) + eight(valueSize)) +
    powerOfTwo(maxEntries) * HASH_BUCKET,
  ARRAY: ({ valueSize, maxEntries }) => maxEntries * eight(valueSize),
  PERCPU_ARRAY: ({ valueSize, maxEntries }) => maxEntries * (8 + possibleCpus() * eight(valueSize)),
  PROG_ARRAY: ({ maxEntries }) => maxEntries * 8,
  LPM_TRIE: ({ keySize, valueSize, maxEntries }) => maxEntries * (TRIE_NODE + keySize + valueSize),
}

/** Bytes of kernel memory that a map takes. */
export const mapMemory = (spec: MapSpec): number => memoryOf[spec.type](spec)

const memoryOfAll = (specs: readonly MapSpec[]): number =>
  specs.reduce((sum, spec) => sum + mapMemory(spec), 0)

/** Whether there is memory for maps. */
export const hasRoom = (specs: readonly MapSpec[]): boolean => memoryOfAll(specs) <= availableMemory()

/** Throws KernelError('ERR_LIMIT') where maps would take more memory than there is. */
export function requireRoom(specs: readonly MapSpec[], available = availableMemory()): void {
  const needed = memoryOfAll(specs)
  if (needed <= available) return
  throw new KernelError(
    'ERR_LIMIT',
    `the maps of these rules take ${mebibytes(needed)} MiB of memory, and ${mebibytes(available)} are available`,
    'See the memory limit of the unit or cgroup; the rules in force keep theirs until the new ones have taken their place.',
  )
}

const mebibytes = (bytes: number): string => Math.ceil(bytes / 2 ** 20).toLocaleString('en-US')

/** Bytes that this process can still have: of the machine, and of every cgroup it is in. */
export function availableMemory(): number {
  const [, kibibytes = 'Infinity'] = /^MemAvailable:\s*(\d+)/m.exec(readIfThere('/proc/meminfo')) ?? []
  return Math.min(Number(kibibytes) * 1024, ...roomInCgroups())
}

/** A process is in one cgroup of the unified hierarchy, and bound by those above it as well. */
function* roomInCgroups(): Generator<number> {
  const [, path = ''] = /^0::(\/.*)$/m.exec(readIfThere('/proc/self/cgroup')) ?? []
  for (let at = path; at.length > 1; at = at.slice(0, at.lastIndexOf('/'))) {
    const limit = Number(readIfThere(`/sys/fs/cgroup${at}/memory.max`) || Number.NaN)
    const used = Number(readIfThere(`/sys/fs/cgroup${at}/memory.current`))
    // "max" is no number: nothing is limited there
    if (!Number.isNaN(limit)) yield Math.max(0, limit - used)
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
