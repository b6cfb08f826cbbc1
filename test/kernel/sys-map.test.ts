import { join } from 'node:path'
import { readCounters } from '../../src/kernel/counter.ts'
import { KernelError } from '../../src/kernel/error.ts'
import {
  closeMap,
  createMap,
  indexKey,
  keys,
  lookup,
  openPinnedMap,
  remove,
  sharedMap,
  update,
} from '../../src/kernel/map.ts'
import { listPins, openPin, pin, unpin } from '../../src/kernel/pin.ts'
import { loadProgram } from '../../src/kernel/program.ts'
import { failedWith, SystemError } from '../../src/kernel/sys/error.ts'
import { updateFlag } from '../../src/kernel/sys/map.ts'
import { close, mapInfoOf } from '../../src/kernel/sys/object.ts'
import { testRun } from '../../src/kernel/testrun.ts'
import { r0, r1, r2, r10 } from '../../translator/asm/register.ts'
import { contentsOf } from '../../translator/contents.ts'
import type { MapSpec } from '../../translator/program.ts'
import * as asm from './assemble.ts'
import { kernelTest } from './needs-kernel.ts'
import { withScratch } from './scratch.ts'

const hash: MapSpec = {
  name: 'hash',
  type: 'HASH',
  keySize: 4,
  valueSize: 8,
  maxEntries: 100_000,
  flags: 0,
  shared: false,
}

const word = (value: number): Uint8Array => new Uint8Array(new BigUint64Array([BigInt(value)]).buffer)

kernelTest('a map is filled from its spec, in batches', t => {
  const contents = Array.from({ length: 100_000 }, (_, index) => ({
    key: indexKey(index),
    value: word(index * 3),
  }))
  const map = createMap({ ...hash, contents: contentsOf(contents) })
  t.deepEqual(lookup(map, indexKey(0)), word(0))
  t.deepEqual(lookup(map, indexKey(99_999)), word(299_997))
  t.is(lookup(map, indexKey(100_000)), undefined)
  t.is([...keys(map)].length, 100_000)
  closeMap(map)
})

kernelTest('a trie is filled as well', t => {
  const prefix = (...bytes: readonly number[]): Uint8Array => Uint8Array.from([8, 0, 0, 0, ...bytes])
  const contents = contentsOf([{ key: prefix(10, 0, 0, 0), value: word(1) }])
  const map = createMap({ ...hash, type: 'LPM_TRIE', keySize: 8, flags: 1, contents })
  t.deepEqual(lookup(map, Uint8Array.of(32, 0, 0, 0, 10, 1, 2, 3)), word(1))
  t.is(lookup(map, Uint8Array.of(32, 0, 0, 0, 11, 1, 2, 3)), undefined)
  closeMap(map)
})

kernelTest('elements are written, overwritten only where asked, and deleted', t => {
  const map = createMap(hash)
  update(map, indexKey(1), word(1), updateFlag.noexist)
  const error = t.throws(() => update(map, indexKey(1), word(2), updateFlag.noexist))
  t.true(failedWith(error, 'EEXIST'))
  t.deepEqual(lookup(map, indexKey(1)), word(1))
  t.true(remove(map, indexKey(1)))
  t.false(remove(map, indexKey(1)))
  closeMap(map)
})

kernelTest('a map the kernel refuses is refused with its name', t => {
  const error = t.throws(() => createMap({ ...hash, keySize: 0 }), { instanceOf: SystemError })
  t.regex(error?.message ?? '', /^cannot create map hash: bpf\(BPF_MAP_CREATE\): Invalid argument/)
})

kernelTest('a shared map is found again with what it holds, unless its shape differs', t =>
  withScratch(({ bpffs }) => {
    const path = join(bpffs, 'hash')
    t.is(openPinnedMap(hash, path), undefined)
    const first = sharedMap({ ...hash, shared: true }, path)
    update(first, indexKey(7), word(42))
    closeMap(first)
    const again = sharedMap({ ...hash, shared: true }, path)
    t.deepEqual(lookup(again, indexKey(7)), word(42))
    closeMap(again)
    const error = t.throws(() => sharedMap({ ...hash, maxEntries: 5 }, path), { instanceOf: KernelError })
    t.is(error?.code, 'ERR_MAP')
    t.regex(error?.message ?? '', /has type 1, .*100000 entries; needed: .* 5 entries/)
  }),
)

const pinnedMapId = (path: string): number | undefined => {
  const fd = openPin(path)
  if (fd === undefined) return undefined
  const { id } = mapInfoOf(fd)
  close(fd)
  return id
}

kernelTest('pinning over a pin replaces it', t =>
  withScratch(({ bpffs }) => {
    const path = join(bpffs, 'map')
    const [one, two] = [createMap(hash), createMap(hash)]
    pin(one.fd, path)
    pin(two.fd, path)
    t.is(pinnedMapId(path), mapInfoOf(two.fd).id)
    t.deepEqual(listPins(bpffs), ['map'])
    t.true(unpin(path))
    t.false(unpin(path))
    t.is(openPin(path), undefined)
    closeMap(one)
    closeMap(two)
  }),
)

const counters: MapSpec = {
  name: 'counters',
  type: 'PERCPU_ARRAY',
  keySize: 4,
  valueSize: 16,
  maxEntries: 1000,
  flags: 0,
  shared: false,
}

const BPF_FUNC_map_lookup_elem = 1

/** Counts one packet of 3 bytes in `slot`. */
const counting = (slot: number) =>
  asm.program(
    'xdp',
    [
      asm.main([
        asm.storeImmediate(r10, -4, slot),
        asm.copy(r2, r10),
        asm.add(r2, -4),
        asm.loadMap(r1, 'counters'),
        asm.callHelper(BPF_FUNC_map_lookup_elem),
        asm.skipIfZero(r0, 4),
        asm.move(r1, 1),
        asm.atomicAdd(r0, 0, r1),
        asm.move(r1, 3),
        asm.atomicAdd(r0, 8, r1),
        asm.move(r0, 2),
        asm.exit,
      ]),
    ],
    [counters],
  )

kernelTest('the counters of every slot are read', t => {
  const map = createMap(counters)
  const program = loadProgram(counting(999), new Map([['counters', map]]))
  t.is(testRun(program, new Uint8Array(64), { repeat: 1000 }).retval, 2)
  const read = readCounters(map)
  t.deepEqual([read.packets[999], read.bytes[999]], [1000n, 3000n])
  t.is(read.packets.filter(packets => packets !== 0n).length, 1)
  close(program.fd)
  closeMap(map)
})
