// Loading a program spec.

import { withFillers } from '../../translator/asm/filler.ts'
import { cautiousJumps } from '../../translator/asm/relax.ts'
import { programBtf } from '../../translator/btf/function.ts'
import type { ProgramSpec, ProgramType } from '../../translator/program.ts'
import { openModuleBtf } from './btf/kernel.ts'
import { explainFailure } from './feature.ts'
import { type Image, kernelResolver, linkImage } from './image.ts'
import type { MapHandle } from './map.ts'
import { withoutUncalled } from './reachable.ts'
import { errno, type SystemError } from './sys/error.ts'
import { close, type FileDescriptor } from './sys/object.ts'
import {
  attachTypeNumber,
  functionInfoSize,
  type Log,
  loadBtf,
  loadError,
  loadImage,
  loadImageLater,
  type ProgramImage,
} from './sys/program.ts'
import { VerifierError } from './verifier/error.ts'
import { type Rejection, readRejection } from './verifier/log.ts'
import { placeOf } from './verifier/place.ts'

/** A program this process holds open. */
export interface ProgramHandle {
  readonly fd: FileDescriptor
  readonly spec: ProgramSpec
}

/** SCHED_CLS takes none: TCX checks the program type alone, and kernels before 6.6 know no other. */
const attachType: Readonly<Record<ProgramType, number>> = {
  XDP: attachTypeNumber.XDP,
  SCHED_CLS: 0,
  NETFILTER: attachTypeNumber.NETFILTER,
}

/** One `struct bpf_func_info` { u32 insn_off (slots), u32 type_id } per function. */
const functionInfo = (starts: readonly number[], types: readonly number[]): Uint8Array => {
  const records = new Uint32Array((starts.length * functionInfoSize) / 4)
  starts.forEach((start, index) => {
    records[index * 2] = start
    records[index * 2 + 1] = types[index] ?? 0
  })
  return new Uint8Array(records.buffer)
}

/** Just under 16 MiB: the largest log that Linux 5.10 takes. */
const logSize = (1 << 24) - 1

const textOf = (log: Uint8Array): string => {
  const end = log.indexOf(0)
  return Buffer.from(log.buffer, 0, end < 0 ? log.length : end).toString('latin1')
}

const tooLarge =
  'The kernel verifies at most one million instructions and 8,192 open branches; the program must become smaller.'

const hintFor = (error: SystemError): string | undefined => {
  if (error.errnoName === 'E2BIG') return tooLarge
  if (error.errnoName === 'ENOTSUPP')
    return 'With net.core.bpf_jit_harden=2 programs grow while they are compiled; see net.core.bpf_jit_limit as well.'
  return undefined
}

const jitGaveUp: Rejection = { message: 'the JIT compiler gave up', slot: undefined, lines: [] }

/** A signal that arrives while the verifier works makes it give up; V8 sends some, and so do profilers. */
const INTERRUPTED_TRIES = 20

const tryLoad = (program: ProgramImage, log?: Log): number => {
  let result = loadImage(program, log)
  for (let tries = 1; result === -errno.EAGAIN && tries < INTERRUPTED_TRIES; tries++)
    result = loadImage(program, log)
  return result
}

/** Loads again, with the verifier's log this time; it may even succeed, if memory was short. */
const loadWithLog = (spec: ProgramSpec, image: Image, program: ProgramImage): FileDescriptor => {
  const buffer = new Uint8Array(logSize)
  const result = tryLoad(program, { level: 1, buffer })
  if (result >= 0) return result
  const error = loadError(spec.name, result)
  const log = textOf(buffer)
  if (log === '') throw explainFailure(error, { kind: 'program', type: spec.type })
  // the verifier had nothing against it then, and its log ends in what it said last
  const rejection = error.errnoName === 'ENOTSUPP' ? jitGaveUp : readRejection(log)
  const place = rejection.slot === undefined ? undefined : placeOf(spec, image, rejection.slot)
  throw new VerifierError(spec.name, rejection, place, hintFor(error), error)
}

const load = (spec: ProgramSpec, image: Image, program: ProgramImage): FileDescriptor => {
  const result = tryLoad(program)
  if (result >= 0) return result
  if (result !== -errno.EPERM) return loadWithLog(spec, image, program)
  throw explainFailure(loadError(spec.name, result), { kind: 'program', type: spec.type })
}

const describeProgram = (
  spec: ProgramSpec,
  image: Image,
  btf: ProgramImage['btf'],
  modules: readonly FileDescriptor[],
): ProgramImage => ({
  name: spec.name,
  type: spec.type,
  license: spec.license,
  attachType: attachType[spec.type],
  instructions: image.bytes,
  btf,
  descriptors: modules.length === 0 ? undefined : Int32Array.from([0, ...modules]),
})

/** So many fillers are tried before each jump back of a program that the JIT compiler gave up on. */
const FILLERS = [1, 2, 3, 5]

/** How the verifier is told that loops end which may be open (translator/asm/jump.ts): by the kernel itself, where it can, or turn by turn. */
export type Loops = 'open' | 'counted'

/**
 * Loads a program. `maps` holds the maps it names.
 * Throws VerifierError (naming the instruction and its rule) or KernelError; the caller closes the program.
 */
export const loadProgram = (
  whole: ProgramSpec,
  maps: ReadonlyMap<string, MapHandle>,
  loops: Loops = 'open',
): ProgramHandle => {
  const spec = withoutUncalled(whole)
  try {
    return loadCalled(spec, maps, loops)
  } catch (error) {
    const program = isLayoutFailure(error, spec) ? loadFilled(spec, maps, loops) : undefined
    if (program) return program
    throw error
  }
}

/** Shorter programs are verified sooner than another thread has answered. */
const LEAST_LATER = 200

/**
 * The same while others go on: the verifier and the JIT compiler work in a thread. What the kernel did not take there is loaded once more, to learn why or to mend it.
 */
export const loadProgramLater = async (
  whole: ProgramSpec,
  maps: ReadonlyMap<string, MapHandle>,
): Promise<ProgramHandle> => {
  const spec = withoutUncalled(whole)
  if (lengthOf(spec) < LEAST_LATER) return loadProgram(whole, maps)
  const { image, describe, close } = prepare(spec, maps, isLoadedOpen(spec, 'open'))
  const fd = await loadImageLater(describe(image)).finally(close)
  return fd === undefined ? loadProgram(whole, maps) : { fd, spec }
}

const lengthOf = ({ functions }: ProgramSpec): number =>
  functions.reduce((sum, { instructions }) => sum + instructions.length, 0)

/** The JIT compiler gave up, and not since jumps go too far, which translating anew mends (src/service/load.ts). */
const isLayoutFailure = (error: unknown, { functions }: ProgramSpec): boolean =>
  error instanceof VerifierError &&
  error.reason === jitGaveUp.message &&
  functions.every(({ instructions }) => instructions.length <= cautiousJumps.reach)

/** Loads a program in another layout; undefined where the JIT compiler has none for it. */
const loadFilled = (
  spec: ProgramSpec,
  maps: ReadonlyMap<string, MapHandle>,
  loops: Loops,
): ProgramHandle | undefined => {
  for (const count of FILLERS)
    try {
      return loadCalled(spaced(spec, count), maps, loops)
    } catch (error) {
      if (!isLayoutFailure(error, spec)) throw error
    }
  return undefined
}

const spaced = (spec: ProgramSpec, count: number): ProgramSpec => ({
  ...spec,
  functions: spec.functions.map(fn => ({ ...fn, instructions: withFillers(fn.instructions, count) })),
})

/** Kernels before Linux 6.9 refuse open loops before they verify anything, and are not asked again. */
let takesOpenLoops = true

const hasOpenLoops = ({ functions }: ProgramSpec): boolean =>
  functions.some(({ instructions }) =>
    instructions.some(({ relocation }) => relocation?.kind === 'open-loop'),
  )

const isLoadedOpen = (spec: ProgramSpec, loops: Loops): boolean =>
  loops === 'open' && takesOpenLoops && hasOpenLoops(spec)

const loadCalled = (spec: ProgramSpec, maps: ReadonlyMap<string, MapHandle>, loops: Loops): ProgramHandle => {
  const isOpen = isLoadedOpen(spec, loops)
  const { image, describe, close } = prepare(spec, maps, isOpen)
  try {
    if (!isOpen) return { fd: load(spec, image, describe(image)), spec }
    const fd = tryLoad(describe(image))
    if (fd >= 0) return { fd, spec }
    // what else is wrong with it is said of the program without them
    takesOpenLoops = false
    const counted = link(spec, maps, false)
    return { fd: load(spec, counted, describe(counted)), spec }
  } finally {
    close()
  }
}

/** What the kernel is given of a program, of which the types are loaded until it is closed. */
interface Prepared {
  readonly image: Image
  readonly describe: (linked: Image) => ProgramImage
  readonly close: () => void
}

const prepare = (spec: ProgramSpec, maps: ReadonlyMap<string, MapHandle>, openLoops: boolean): Prepared => {
  const image = link(spec, maps, openLoops)
  const types = programBtf(spec)
  const open: FileDescriptor[] = []
  const closeAll = (): void => open.forEach(close)
  try {
    const btf = loadTypes(types.bytes, spec)
    open.push(btf)
    for (const module of image.modules) open.push(openModuleBtf(module))
    const info = functionInfo(image.starts, types.functions)
    const describe = (linked: Image): ProgramImage =>
      describeProgram(spec, linked, { fd: btf, functionInfo: info }, open.slice(1))
    return { image, describe, close: closeAll }
  } catch (error) {
    closeAll()
    throw error
  }
}

const link = (spec: ProgramSpec, maps: ReadonlyMap<string, MapHandle>, openLoops: boolean): Image => {
  try {
    return linkImage(spec, kernelResolver(maps, openLoops))
  } catch (error) {
    throw explainFailure(error, { kind: 'program', type: spec.type })
  }
}

const loadTypes = (bytes: Uint8Array, spec: ProgramSpec): FileDescriptor => {
  try {
    return loadBtf(bytes, `program ${spec.name}`)
  } catch (error) {
    throw explainFailure(error, { kind: 'program', type: spec.type })
  }
}

export const closeProgram = (program: ProgramHandle): void => close(program.fd)
