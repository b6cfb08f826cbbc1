// BPF_PROG_TEST_RUN: a program run on a packet that never was on a wire.

import type { ProgramHandle } from './program.ts'
import { runProgram } from './sys/program.ts'

export interface TestResult {
  /** What the program returned. */
  readonly retval: number
  /** Nanoseconds per run. */
  readonly duration: number
  /** The packet as the program left it. */
  readonly dataOut: Uint8Array
}

export interface TestOptions {
  /** Runs; 1 if left out. */
  readonly repeat?: number
  /** `struct xdp_md`, `__sk_buff` as the kernel wants it. */
  readonly context?: Uint8Array
}

/** Room for what a program may add in front of or behind the packet. */
const headroom = 512

/** Runs a program on one packet (for XDP and SCHED_CLS: from the Ethernet header on). */
export const testRun = (
  program: ProgramHandle,
  packet: Uint8Array,
  options: TestOptions = {},
): TestResult => {
  const out = new Uint8Array(packet.length + headroom)
  const { repeat, context } = options
  const answer = runProgram(program.fd, { data: packet, out, repeat, context })
  return { retval: answer.retval, duration: answer.duration, dataOut: out.subarray(0, answer.dataSize) }
}

/** BPF_F_TEST_XDP_LIVE_FRAMES. */
const liveFrames = 1 << 1

/**
 * Pushes `repeat` copies of a frame through an XDP program, and those it passes through the receive path of the
 * device the context names, `batchSize` at a time.
 */
export const runLiveFrames = (
  program: ProgramHandle,
  frame: Uint8Array,
  options: { readonly repeat: number; readonly batchSize: number; readonly context: Uint8Array },
): void => {
  runProgram(program.fd, { ...options, data: frame, flags: liveFrames })
}
