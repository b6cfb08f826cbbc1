// Measures the receive path of a device with frames that never were on a wire (BPF_PROG_TEST_RUN with
// BPF_F_TEST_XDP_LIVE_FRAMES). The kernel runs an XDP program on a batch of frames and hands those it passes to the
// stack, batch after batch, recycling the frames as the stack left them. The stub here
//
//     writes the whole frame anew each time, so that nothing the stack did to it stays,
//     gives all frames of a batch the same contents, and the next batch the next frame's,
//     reads the clock at the first frame of a batch,
//
// so the time between two batches is what one frame costs on its way through the stack, BATCH times over; what setting up a
// run costs (tens of milliseconds) lies outside of it.
//
// Maps:  bench_cursor   0 u64 frames so far | 8 u64 when the batch began (ns)
//        bench_frames   the frames, one after the other
//        bench_times    u64 per batch: how long the batch before it took (ns)
//        bench_next     slot 0: the XDP program under test, or nothing; it gets the frame by tail call

import {
  addImmediate,
  andImmediate,
  modImmediate,
  mov,
  movImmediate,
  rshImmediate,
  sub,
} from '../translator/asm/alu.ts'
import { type Assembler, createAssembler } from '../translator/asm/assembler.ts'
import { call, exit, immediate, jumpIf, register } from '../translator/asm/jump.ts'
import type { Label } from '../translator/asm/label.ts'
import { load, loadMap, store } from '../translator/asm/memory.ts'
import { r0, r1, r2, r3, r6, r7, r8, r9, r10 } from '../translator/asm/register.ts'
import type { MapSpec, ProgramSpec } from '../translator/program.ts'
import { FRAME_BYTES } from './frame.ts'

/** Frames that go through the stack together: NAPI_POLL_WEIGHT, a driver's usual. A power of two. */
export const BATCH = 64

export interface StubMaps {
  readonly cursor: MapSpec
  readonly frames: MapSpec
  readonly times: MapSpec
  readonly next: MapSpec
}

/** The maps of a stub for so many frames and batches. */
export function stubMaps(frames: number, batches: number): StubMaps {
  const array = { type: 'ARRAY', keySize: 4, flags: 0, shared: false } as const
  return {
    cursor: { ...array, name: 'bench_cursor', valueSize: 16, maxEntries: 1 },
    frames: { ...array, name: 'bench_frames', valueSize: FRAME_BYTES, maxEntries: frames },
    times: { ...array, name: 'bench_times', valueSize: 8, maxEntries: batches },
    next: { ...array, name: 'bench_next', type: 'PROG_ARRAY', valueSize: 4, maxEntries: 1 },
  }
}

const XDP_PASS = 2
/** Offsets in struct xdp_md (include/uapi/linux/bpf.h). */
const context = { data: 0, dataEnd: 4 } as const
/** On the stack: a map key, and the time now. */
const KEY = -4
const NOW = -16

/** The stub. Registers: r6 context, r7 frame, r8 cursor, r9 frames so far, then the frame's number. */
export function stub(maps: StubMaps): ProgramSpec {
  const assembler = createAssembler()
  const pass = assembler.label('pass')
  assembler.emit(
    mov(r6, r1),
    load('u32', r7, r6, context.data),
    load('u32', r2, r6, context.dataEnd),
    mov(r1, r7),
    addImmediate(r1, FRAME_BYTES),
    jumpIf('>', r1, register(r2), pass),
  )
  emitTiming(assembler, maps, pass)
  emitFrame(assembler, maps, pass)
  assembler.emit(mov(r1, r6), loadMap(r2, maps.next.name), movImmediate(r3, 0), call('bpf_tail_call'))
  assembler.place(pass)
  assembler.emit(movImmediate(r0, XDP_PASS), exit())
  return {
    name: 'bench_stub',
    hook: 'xdp',
    type: 'XDP',
    license: 'Dual MIT/GPL',
    functions: [
      {
        name: 'main',
        parameters: [{ name: 'context', type: { kind: 'context' } }],
        instructions: assembler.assemble(),
      },
    ],
    maps: Object.values(maps),
  }
}

/** Looks up the key in r1, going to `missing` where there is none. */
function emitLookup(assembler: Assembler, { name }: MapSpec, missing: Label): void {
  assembler.emit(
    store('u32', r10, KEY, r1),
    mov(r2, r10),
    addImmediate(r2, KEY),
    loadMap(r1, name),
    call('bpf_map_lookup_elem'),
    jumpIf('==', r0, immediate(0), missing),
  )
}

/** Moves the cursor on, and at the first frame of a batch writes down how long the batch before took. */
function emitTiming(assembler: Assembler, { cursor, times }: StubMaps, pass: Label): void {
  const same = assembler.label('same_batch')
  assembler.emit(movImmediate(r1, 0))
  emitLookup(assembler, cursor, pass)
  assembler.emit(
    mov(r8, r0),
    load('u64', r9, r8, 0),
    mov(r1, r9),
    addImmediate(r1, 1),
    store('u64', r8, 0, r1),
    mov(r1, r9),
    andImmediate(r1, BATCH - 1),
    jumpIf('!=', r1, immediate(0), same),
    call('bpf_ktime_get_ns'),
    load('u64', r1, r8, 8),
    store('u64', r8, 8, r0),
    sub(r0, r1),
    store('u64', r10, NOW, r0),
    mov(r1, r9),
    rshImmediate(r1, Math.log2(BATCH)),
  )
  emitLookup(assembler, times, same)
  assembler.emit(load('u64', r1, r10, NOW), store('u64', r0, 0, r1))
  assembler.place(same)
}

/** Writes the batch's frame. */
function emitFrame(assembler: Assembler, { frames }: StubMaps, pass: Label): void {
  assembler.emit(rshImmediate(r9, Math.log2(BATCH)), modImmediate(r9, frames.maxEntries), mov(r1, r9))
  emitLookup(assembler, frames, pass)
  for (let at = 0; at < FRAME_BYTES; at += 8)
    assembler.emit(load('u64', r1, r0, at), store('u64', r7, at, r1))
}
