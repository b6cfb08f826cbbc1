import type { FileDescriptor } from '../../src/kernel/sys/object.ts'
import type { Range } from '../network.ts'
import type { Workload } from '../workload.ts'

/** Something that enforces rules. */
export interface Contender {
  readonly name: string
  /** Why it cannot run here, or not with these rules; left out if it can. */
  readonly unfit?: (workload: Workload) => string | undefined
  /** Puts the rules in force in the range's namespace. Throws where it refuses them. */
  readonly load: (range: Range, workload: Workload) => Loaded
}

export interface Loaded {
  /** From the text to enforcing it. */
  readonly milliseconds: number
  /** The XDP program that frames meet before the stack. */
  readonly xdp?: FileDescriptor
  /** Nanoseconds that the programs alone take for a frame (BPF_PROG_TEST_RUN). */
  readonly alone?: (frame: Uint8Array) => number
  readonly size?: ProgramSize
  /** Packets that rules and policies have counted so far, all together. */
  readonly counted?: () => bigint
  readonly close: () => void
}

/** How big programs are. */
export interface ProgramSize {
  /** BPF instructions, as the kernel holds them. */
  readonly instructions: number
  /** Kernel memory of programs and maps, in bytes. */
  readonly memory: number
}

/** Milliseconds that a call takes, and its result. */
export function timed<T>(body: () => T): readonly [milliseconds: number, result: T] {
  const begin = performance.now()
  const result = body()
  return [performance.now() - begin, result]
}
