// bpftables without its service: programs translated, loaded and attached in this process, behind the same dispatchers.

import { readFileSync } from 'node:fs'
import { type Family, parseSave, type Ruleset } from 'iptables-parser'
import { requireConntrack } from '../../src/kernel/conntrack.ts'
import { readCounters } from '../../src/kernel/counter.ts'
import { attachNetfilter } from '../../src/kernel/link/netfilter.ts'
import { attachTcx } from '../../src/kernel/link/tcx.ts'
import { createMap, indexKey, type MapHandle, update } from '../../src/kernel/map.ts'
import { loadProgram, type ProgramHandle } from '../../src/kernel/program.ts'
import { close, type FileDescriptor, programInfoOf } from '../../src/kernel/sys/object.ts'
import { runProgram } from '../../src/kernel/sys/program.ts'
import type { Strategies } from '../../translator/chain.ts'
import { needsConntrack } from '../../translator/conntrack.ts'
import { newLayout } from '../../translator/counter.ts'
import { interfaceMap, judging } from '../../translator/hook/device.ts'
import { dispatcher } from '../../translator/hook/dispatcher.ts'
import { type Lane, laneIndex, lanesOf, programArray } from '../../translator/lane.ts'
import type { MapSpec, ProgramSpec } from '../../translator/program.ts'
import { type LaneProgram, translate } from '../../translator/translate.ts'
import { xdpContext } from '../live.ts'
import type { Course, Range } from '../network.ts'
import type { Workload } from '../workload.ts'
import { acceptProgram } from './accept.ts'
import { type Contender, type Loaded, type ProgramSize, timed } from './contender.ts'
import { headersProgram } from './headers.ts'
import type { JudgedLane } from './judge.ts'

type HookName = 'xdp' | 'tc' | 'netfilter'

/** A program of a lane, ready to be loaded. */
type Program = Pick<LaneProgram, 'lane' | 'spec'>

/** The programs of a workload, out of its text. */
type Make = (workload: Workload) => readonly Program[]

/** bpftables at a hook; with `strategies`, made otherwise than the cost model would. */
export const bpftables = (hook: HookName, strategies: Partial<Strategies> = {}): Contender => ({
  name: `bpftables ${hook}`,
  unfit: ({ course }) =>
    course === 'FORWARD' && hook !== 'netfilter' ? 'FORWARD is always judged at netfilter' : undefined,
  load: (range, workload) =>
    range.inside(() => load(hook, range, workload, workload => programsFor(workload, hook, strategies))),
})

/** A program that judges no packet, in place of the one that rules are made to. */
const withProgram = (name: string, programFor: (lane: JudgedLane) => ProgramSpec): Contender => ({
  name,
  load: (range, workload) =>
    range.inside(() => {
      const { counted: _, ...loaded } = load('netfilter', range, workload, ({ family, course }) => {
        const lane = { hook: course === 'INPUT' ? 'nf-input' : 'nf-forward', family } as const
        return [{ lane, spec: programFor(lane) }]
      })
      return loaded
    }),
})

/** What the kernel's way to a program costs. */
export const accept: Contender = withProgram('a program that accepts', acceptProgram)

/** What a program costs that only reads the headers and counts. */
export const headers: Contender = withProgram('headers and a counter', headersProgram)

/** Everything that was made and has to be closed. */
interface Opened {
  readonly maps: Map<string, MapHandle>
  readonly programs: FileDescriptor[]
  readonly links: FileDescriptor[]
}

function load(hook: HookName, range: Range, workload: Workload, make: Make): Loaded {
  const opened: Opened = { maps: new Map(), programs: [], links: [] }
  const [milliseconds, first] = timed(() => enforce(hook, range, workload.course, make(workload), opened))
  return {
    milliseconds,
    ...(hook === 'xdp' && { xdp: first.fd }),
    alone: frame => runAlone(hook, first, range, frame),
    size: sizeOf(opened),
    counted: () => countedBy(opened),
    close: () => {
      for (const fd of [...opened.links, ...opened.programs]) close(fd)
      for (const { fd } of opened.maps.values()) close(fd)
    },
  }
}

function programsFor(
  { text, family }: Workload,
  hook: HookName,
  strategies: Partial<Strategies>,
): readonly Program[] {
  const ruleset = parseSave(text, { family, name: 'workload' })
  if (needsConntrack([ruleset])) requireConntrack()
  return translated(ruleset, hook, strategies)
}

/** Loads and attaches; the dispatcher of the first hook that packets meet. */
function enforce(
  hook: HookName,
  range: Range,
  course: Course,
  programs: readonly Program[],
  opened: Opened,
): ProgramHandle {
  const dispatchers = new Map<Lane['hook'], ProgramHandle>()
  for (const { lane, spec } of programs) {
    const program = open(spec, opened)
    const known = dispatchers.get(lane.hook) ?? open(dispatcher(lane.hook), opened)
    dispatchers.set(lane.hook, known)
    update(mapOf(programArray(spec.type), opened), indexKey(laneIndex(lane)), indexKey(program.fd))
  }
  for (const [name, program] of dispatchers) attach(name, program, range, opened)
  const first = dispatchers.get(firstHook(hook, course))
  if (!first) throw new RangeError(`no program for ${hook}`)
  return first
}

const firstHook = (hook: HookName, course: Course): Lane['hook'] => {
  if (course === 'FORWARD') return 'nf-forward'
  return hook === 'netfilter' ? 'nf-input' : hook === 'tc' ? 'tc-ingress' : 'xdp'
}

function translated(
  ruleset: Ruleset,
  hook: HookName,
  strategies: Partial<Strategies>,
): readonly LaneProgram[] {
  const counters = newLayout([ruleset])
  const translation = translate([ruleset], { lanes: lanesOf(hook, [ruleset.family]), counters, strategies })
  if (translation.kind === 'translated') return translation.programs
  const [{ rule, reason } = { rule: { rule: '?' }, reason: '?' }] = translation.refusals
  throw new Error(`${rule.rule}: ${reason}`)
}

function mapOf(spec: MapSpec, { maps }: Opened): MapHandle {
  const map = maps.get(spec.name) ?? createMap(spec)
  maps.set(spec.name, map)
  return map
}

function open(spec: ProgramSpec, opened: Opened): ProgramHandle {
  const program = loadProgram(spec, new Map(spec.maps.map(map => [map.name, mapOf(map, opened)])))
  opened.programs.push(program.fd)
  return program
}

/** At xdp nothing is attached: there the stub calls the program (see stub.ts). */
function attach(hook: Lane['hook'], program: ProgramHandle, range: Range, opened: Opened): void {
  if (hook === 'xdp' || hook === 'tc-ingress') nameDevice(range, opened)
  if (hook === 'xdp') return
  if (hook === 'tc-ingress') opened.links.push(attachTcx(program, range.device, 'ingress'))
  else opened.links.push(attachNetfilter(program, range.family, hook).fd)
}

/** Has the device's packets judged at ingress alone. */
function nameDevice({ device }: Range, { maps }: Opened): void {
  const interfaces = maps.get(interfaceMap.name)
  if (interfaces) update(interfaces, indexKey(device.index), indexKey(judging.ingress))
}

/** How often a program is run on one frame to tell how long it takes. */
const REPEAT = 2_000

/** The time of a dispatcher and what it calls, of several runs the shortest. */
function runAlone(hook: HookName, program: ProgramHandle, range: Range, frame: Uint8Array): number {
  const context = contextOf(hook, range)
  const once = (): number =>
    range.inside(() => runProgram(program.fd, { data: frame, context, repeat: REPEAT }).duration)
  return Math.min(once(), once(), once())
}

const protocolFamily: Readonly<Record<Family, number>> = { 4: 2, 6: 10 }
const hookNumber: Readonly<Record<Course, number>> = { INPUT: 1, FORWARD: 2 }
/** sizeof(struct nf_hook_state) begins with u8 hook, u8 pf; sizeof(struct __sk_buff) has ifindex at 40. */
const hookState = { size: 48, hook: 0, family: 1 } as const
const skBuff = { size: 192, ifindex: 40 } as const

function contextOf(hook: HookName, { family, course, device }: Range): Uint8Array {
  if (hook === 'xdp') return xdpContext(device.index)
  const context = new DataView(new ArrayBuffer(hook === 'tc' ? skBuff.size : hookState.size))
  if (hook === 'tc') context.setUint32(skBuff.ifindex, device.index, true)
  else {
    context.setUint8(hookState.hook, hookNumber[course])
    context.setUint8(hookState.family, protocolFamily[family])
  }
  return new Uint8Array(context.buffer)
}

function sizeOf({ maps, programs }: Opened): ProgramSize {
  const instructions = programs.reduce((sum, fd) => sum + programInfoOf(fd).xlated_prog_len / 8, 0)
  const objects = [...programs, ...[...maps.values()].map(({ fd }) => fd)]
  return { instructions, memory: objects.reduce((sum, fd) => sum + memoryOf(fd), 0) }
}

/** The sum over all counters. */
const countedBy = ({ maps }: Opened): bigint =>
  [...maps.values()]
    .filter(({ spec }) => spec.type === 'PERCPU_ARRAY')
    .flatMap(map => [...readCounters(map).packets])
    .reduce((sum, packets) => sum + packets, 0n)

/** What the kernel says a program or map takes. */
function memoryOf(fd: FileDescriptor): number {
  const [, bytes = '0'] = /^memlock:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? []
  return Number(bytes)
}
