// BPF_PROG_LOAD, BPF_BTF_LOAD and BPF_PROG_TEST_RUN.

import type { ProgramType } from '../../../translator/program.ts'
import { btfLoad, programLoad, testRun } from './attribute.ts'
import { bpf, bpfLater, tryBpf } from './bpf.ts'
import { errno, type SystemError } from './error.ts'
import { decode, encode } from './layout.ts'
import { systemError } from './libc.ts'
import type { FileDescriptor } from './object.ts'

/** `enum bpf_prog_type`. */
export const programTypeNumber = { SCHED_CLS: 3, XDP: 6, NETFILTER: 32 } as const satisfies Record<
  ProgramType,
  number
>

/** `enum bpf_attach_type`. */
export const attachTypeNumber = { XDP: 37, NETFILTER: 45, TCX_INGRESS: 46, TCX_EGRESS: 47 } as const

/** sizeof(struct bpf_func_info): insn_off u32 | type_id u32. */
export const functionInfoSize = 8

export interface ProgramImage {
  readonly name: string
  readonly type: ProgramType
  readonly license: string
  readonly attachType: number
  /** Slots of 8 bytes. */
  readonly instructions: Uint8Array
  /** The program's BTF and its func_info records; left out for kernels without BTF. */
  readonly btf?: { readonly fd: FileDescriptor; readonly functionInfo: Uint8Array } | undefined
  /** File descriptors of module BTF that kfunc calls name by index; index 0 is unused. */
  readonly descriptors?: Int32Array | undefined
}

export interface Log {
  readonly level: number
  readonly buffer: Uint8Array
}

const license = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`)

const image = ({ btf, ...program }: ProgramImage, log?: Log) =>
  encode(programLoad, {
    prog_type: programTypeNumber[program.type],
    insn_cnt: program.instructions.length / 8,
    insns: program.instructions,
    license: license(program.license),
    log_level: log?.level,
    log_size: log?.buffer.length,
    log_buf: log?.buffer,
    prog_name: program.name,
    expected_attach_type: program.attachType,
    prog_btf_fd: btf?.fd,
    func_info_rec_size: btf && functionInfoSize,
    func_info: btf?.functionInfo,
    func_info_cnt: btf && btf.functionInfo.length / functionInfoSize,
    fd_array: program.descriptors,
  })

/** How often a load interrupted by a signal (EAGAIN) is tried again. */
const attempts = 5

/** Loads a program: its file descriptor, or the errno negated (the reason is then in the log). */
export const loadImage = (program: ProgramImage, log?: Log): number => {
  let result = -errno.EAGAIN
  for (let attempt = 0; attempt < attempts && result === -errno.EAGAIN; attempt += 1)
    result = tryBpf('BPF_PROG_LOAD', image(program, log))
  return result
}

/** Loads a program in a thread of its own; undefined where the kernel did not take it, whatever the reason. */
export const loadImageLater = (program: ProgramImage): Promise<FileDescriptor | undefined> =>
  bpfLater('BPF_PROG_LOAD', image(program))

/** The error for a load that answered `result`. */
export const loadError = (name: string, result: number): SystemError =>
  systemError({ syscall: 'bpf', command: 'BPF_PROG_LOAD', purpose: `load program ${name}` }, -result)

export const loadBtf = (bytes: Uint8Array, what: string): FileDescriptor =>
  bpf('BPF_BTF_LOAD', encode(btfLoad, { btf: bytes, btf_size: bytes.length }), `load the types of ${what}`)

export interface TestRun {
  readonly data?: Uint8Array | undefined
  readonly context?: Uint8Array | undefined
  readonly repeat?: number | undefined
  /** BPF_F_TEST_* bits. */
  readonly flags?: number | undefined
  readonly batchSize?: number | undefined
  /** Where the packet as the program left it goes; none for live frames. */
  readonly out?: Uint8Array | undefined
  readonly contextOut?: Uint8Array | undefined
}

export interface TestRunAnswer {
  readonly retval: number
  /** Nanoseconds per run, averaged over the repeats. */
  readonly duration: number
  readonly dataSize: number
  readonly contextSize: number
}

export const runProgram = (fd: FileDescriptor, run: TestRun): TestRunAnswer => {
  const attribute = encode(testRun, {
    prog_fd: fd,
    data_in: run.data,
    data_size_in: run.data?.length,
    data_out: run.out,
    data_size_out: run.out?.length,
    ctx_in: run.context,
    ctx_size_in: run.context?.length,
    ctx_out: run.contextOut,
    ctx_size_out: run.contextOut?.length,
    repeat: run.repeat,
    flags: run.flags,
    batch_size: run.batchSize,
  })
  bpf('BPF_PROG_TEST_RUN', attribute, 'run a program on a test packet')
  const answer = decode(testRun, attribute.bytes)
  return {
    retval: answer.retval,
    duration: answer.duration,
    dataSize: answer.data_size_out,
    contextSize: answer.ctx_size_out,
  }
}
