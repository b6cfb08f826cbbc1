// Times of frames on their way through the receive path of a device.

import { closeMap, createMap, fillMap, indexKey, lookup, type MapHandle, update } from '../src/kernel/map.ts'
import { closeProgram, loadProgram, type ProgramHandle } from '../src/kernel/program.ts'
import type { FileDescriptor } from '../src/kernel/sys/object.ts'
import { runLiveFrames } from '../src/kernel/testrun.ts'
import { contentsOf } from '../translator/contents.ts'
import type { MapSpec } from '../translator/program.ts'
import { FRAME_BYTES } from './frame.ts'
import type { Range } from './network.ts'
import { BATCH, stub, stubMaps } from './stub.ts'

/** Frames made ready to be sent through a device, again and again. */
export interface Gallery {
  /** Sends all frames so many times; ns per packet, by frame and round. */
  readonly send: (rounds: number) => readonly (readonly number[])[]
  readonly close: () => void
}

/** How many frames are sent when so many different ones are sent so many times: the time of a batch is known when the next begins. */
export const framesOf = (frames: number, rounds: number): number => (frames * rounds + 1) * BATCH

/** Rounds that one run has room to note. */
export const MOST_ROUNDS = 64

/**
 * Makes a gallery of frames for the device of a range whose ends are open. `xdp` is an XDP program under test that the
 * frames meet before the stack.
 */
export function openGallery(range: Range, frames: readonly Uint8Array[], xdp?: FileDescriptor): Gallery {
  const specs = stubMaps(frames.length, MOST_ROUNDS * frames.length + 1)
  const maps = new Map(Object.values(specs).map((spec: MapSpec) => [spec.name, createMap(spec)]))
  const mapOf = ({ name }: MapSpec): MapHandle => maps.get(name) ?? missing(name)
  fillMap(mapOf(specs.frames), contentsOf(frames.map((value, index) => ({ key: indexKey(index), value }))))
  if (xdp !== undefined) update(mapOf(specs.next), indexKey(0), indexKey(xdp))
  const program = loadProgram(stub(specs), maps)
  return {
    send: rounds => {
      const batches = rounds * frames.length + 1
      update(mapOf(specs.cursor), indexKey(0), new Uint8Array(specs.cursor.valueSize))
      range.inside(() => pushFrames(program, range, batches))
      const times = readTimes(mapOf(specs.times), batches)
      return frames.map((_, frame) =>
        Array.from(
          { length: rounds },
          (__, round) => (times[round * frames.length + frame + 1] ?? 0) / BATCH,
        ),
      )
    },
    close: () => {
      closeProgram(program)
      for (const map of maps.values()) closeMap(map)
    },
  }
}

const missing = (name: string): never => {
  throw new RangeError(`there is no map ${name}`)
}

/** `struct xdp_md`: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex. */
export const xdpContext = (ifindex: number): Uint8Array =>
  new Uint8Array(new Uint32Array([0, FRAME_BYTES, 0, ifindex, 0, 0]).buffer)

const pushFrames = (program: ProgramHandle, { device }: Range, batches: number): void =>
  runLiveFrames(program, new Uint8Array(FRAME_BYTES), {
    repeat: batches * BATCH,
    batchSize: BATCH,
    context: xdpContext(device.index),
  })

const readTimes = (times: MapHandle, count: number): number[] =>
  Array.from({ length: count }, (_, index) => {
    const value = lookup(times, indexKey(index)) ?? missing(times.spec.name)
    return Number(new DataView(value.buffer).getBigUint64(0, true))
  })
