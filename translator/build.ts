// From planned chains to a program: prologue, base chain, functions, maps.

import type { Family } from 'iptables-parser'
import { mov, movImmediate } from './asm/alu.ts'
import { createAssembler } from './asm/assembler.ts'
import type { Instruction } from './asm/instruction.ts'
import { callFunction, exit, immediate, jump, jumpIf } from './asm/jump.ts'
import { r0, r1, r6 } from './asm/register.ts'
import type { JumpOptions } from './asm/relax.ts'
import type { Block } from './chain.ts'
import { chainFunctionName, freeName } from './chain-function.ts'
import type { CounterArray, CounterPlace } from './counter.ts'
import { type ChainCode, type HeldCode, heldTogether, unpack } from './edit/chain-code.ts'
import { addressTypeFunction } from './emit/address-type.ts'
import { type Entry, type Holders, holdersIn, onlyKind } from './emit/alike.ts'
import { cgroupFunction } from './emit/cgroup.ts'
import { chainFunction, type EmitContext, emitChains, type PlannedPolicy } from './emit/chain.ts'
import { countCall, counterMap, countFunction, countFunctionName, emitCountInPlace } from './emit/count.ts'
import { createData, oneValue } from './emit/data.ts'
import { chainResult, type LookUpUse, type Shared, type TreesUse } from './emit/frame.ts'
import { groupFunction } from './emit/group.ts'
import { LOG_SIZE, logFunctions } from './emit/log.ts'
import { type Needs, needsOf } from './emit/needs.ts'
import { partedIn } from './emit/parted.ts'
import { type RecordLayout, type RecordShape, recordLayout } from './emit/record.ts'
import { createSharedWalk, type SharedWalkOptions, type WalkUse } from './emit/shared-walk.ts'
import { wordsOfPlan } from './emit/walk.ts'
import { asksAddressType } from './hook/address-type.ts'
import { certaintyFields } from './hook/certain.ts'
import { emitClock } from './hook/clock.ts'
import { forgetRecord } from './hook/forget.ts'
import { FREE_STACK } from './hook/netfilter.ts'
import { isNetfilterHook } from './hook/place.ts'
import { frameOf } from './hook/registry.ts'
import { firstTable, type Lane, programName, programType } from './lane.ts'
import { type GoingOn, LookUps, largestKey } from './look-ups.ts'
import { type NthLayout, nthTestsIn } from './nth.ts'
import type { Plan } from './plan.ts'
import type { PlanMemory } from './plan-memory.ts'
import { calls, type FunctionSpec, type MapSpec, onceByName, type ProgramSpec } from './program.ts'

/** The plan of one family in a program, and its base chain's policy. */
export interface FamilyPlan {
  readonly family: Family
  readonly plan: Plan
  readonly policy: PlannedPolicy
}

export interface BuiltProgram {
  readonly spec: ProgramSpec
  readonly lookUps: readonly LookUpUse[]
  /** And what its maps of trees are walked for. */
  readonly trees: ReadonlyMap<string, TreesUse>
  /** How trees are walked that share a map. */
  readonly walks: ReadonlyMap<Block, WalkUse>
  /** Of each family those whose transport headers the prologue measures. */
  readonly protocols: ReadonlyMap<Family, ReadonlySet<number>>
  /** Of each family how its chains are called. */
  readonly holders: ReadonlyMap<Family, Holders>
  /** The functions that chains stand in, and what was taken out of them. */
  readonly chainFunctions: readonly FunctionSpec[]
  readonly record: RecordShape
  /** What it has of another program. */
  readonly held?: HeldCode
}

/** What all programs of a translation are built with. */
interface Building {
  readonly place: (rule: number) => CounterPlace
  /** All counter arrays there are. */
  readonly counters: readonly CounterArray[]
  readonly nth: NthLayout
  readonly jumps: JumpOptions
  readonly memory: PlanMemory
  /** Functions of a program for the same families that go on in this one. */
  readonly held?: HeldCode
  /** And look-ups. */
  readonly goingOn?: GoingOn
}

/** Builds the program of a lane out of one plan, or at hooks that see both families two. */
export function buildProgram(
  lane: Lane,
  plans: readonly FamilyPlan[],
  { place, counters, nth, jumps, memory, held, goingOn }: Building,
): BuiltProgram {
  const arrays = new Map<string, CounterArray>()
  let last: CounterArray | undefined
  const remember = (rule: number): CounterPlace => {
    const found = place(rule)
    if (found.array !== last) arrays.set(found.array.name, found.array)
    last = found.array
    return found
  }
  const going = heldTogether(held)
  for (const { name, maxEntries, type } of going.maps)
    if (type === 'PERCPU_ARRAY') arrays.set(name, { name, entries: maxEntries })
  const heldMaps = new Set(going.maps.flatMap(({ name, shared }) => (shared ? [] : [name])))
  const dataName = createNames(heldMaps)
  const subprogramName = createNames(new Set(going.functions.map(({ name }) => name)))
  const dataMaps: MapSpec[] = []
  const lookUps = new LookUps({
    plans,
    held: heldMaps.size,
    ...(goingOn && { goingOn }),
    mapName: createNames(new Set([...heldMaps, ...(goingOn?.names ?? [])])),
    functionName: subprogramName,
    tableOf: (dispatch, entries) => memory.tableOf(dispatch, entries),
  })
  const asked = plans.map(planned => ({ ...planned, needs: needsFor(lane, planned, held) }))
  const parted = plans.flatMap(({ plan }) => partedIn(plan))
  const record = recordLayout(
    asked.map(({ family, needs }) => ({ family, fields: needs.fields })),
    {
      logSize: lane.early ? LOG_SIZE : 0,
      words: Math.max(...plans.map(({ plan, family }) => wordsOfPlan(plan, family))),
      ranks: parted.length,
      ...(going.record && { like: going.record }),
    },
  )

  const walked = new Map<string, TreesUse>()
  const known = new Map<Block, string>()
  const data: Shared['data'] = (value, use) => {
    const before = known.get(use.block)
    if (before !== undefined) return before
    const name = dataName('trees')
    dataMaps.push({ ...oneValue(value), name })
    walked.set(name, use)
    known.set(use.block, name)
    return name
  }
  const subprograms: FunctionSpec[] = []
  const subprogram: EmitContext['subprogram'] = (prefix, fn) => {
    const name = subprogramName(prefix)
    subprograms.push({ ...fn, name })
    return name
  }
  // trees and look-ups that go on name arrays that no rule of this program may count in
  const use = (name: string): void => {
    const array = arrays.has(name) ? undefined : counters.find(one => one.name === name)
    if (array) arrays.set(name, array)
  }
  const byCall: EmitContext['countOn'] = (assembler, array) => {
    use(array)
    assembler.emit(...countCall(array))
  }
  const inPlace: EmitContext['countOn'] = lane.early
    ? byCall
    : (assembler, array) => {
        use(array)
        emitCountInPlace(assembler, array, lane.hook)
      }
  let places = 0
  const countOn: EmitContext['countOn'] = (assembler, array) =>
    (places++ < MOST_IN_PLACE ? inPlace : byCall)(assembler, array)
  const slotOf = (rule: number): number => place(rule).slot
  const rows = createData(freeName('rows', heldMaps))
  const holdersOf = new Map(
    plans.map(({ plan, family }) => [
      family,
      memory.holdersOf(plan, () =>
        holdersIn(plan, { family, chains: plan.chains, shared: plan.shared, place, slotOf }),
      ),
    ]),
  )
  const sharedWalks = new Map(
    plans.flatMap(({ plan: { shared }, family }) => {
      const { blocks, fields } = shared
      if (blocks.size === 0) return []
      const treesOf: SharedWalkOptions['treesOf'] = (block, write) => memory.treesOf(block, fields, write)
      const names = { name: subprogramName('walk'), map: dataName('trees') }
      return [[family, createSharedWalk(shared, { family, record, jumps, treesOf, ...names })] as const]
    }),
  )
  const shared: Omit<Shared, 'family' | 'sharedWalk'> = {
    record,
    place: remember,
    slotOf,
    nth: nth.offset,
    treesOf: (block, write) => memory.treesOf(block, [], write),
    lookUp: lookUps.lookUp,
    lookUpFunction: lookUps.lookUpFunction,
    data,
    rankOf: block => record.ranks + 8 * parted.indexOf(block),
    rows: rows.place,
  }
  const contextOf = ({ plan: { chains }, family }: FamilyPlan): EmitContext => ({
    shared: { ...shared, family, sharedWalk: sharedWalks.get(family) },
    chains,
    functions: withHeld(holdersOf.get(family)?.entries, held?.get(family)),
    jumps,
    countEnd: inPlace,
    countOn,
    subprogram,
  })
  const inMain = standsInMain(lane, plans)
  const main = mainFunction(lane, asked, record, inMain ? { contextOf, jumps } : { jumps })
  const emitted = plans.map(planned => {
    const { plan, policy } = planned
    const context = contextOf(planned)
    const name = chainFunctionName(plan.base.name, planned.family)
    return {
      base: inMain ? [] : [chainFunction(context, name, [onlyKind(plan.base)], policy)],
      own: [...(holdersOf.get(planned.family)?.kinds ?? [])].map(([name, kinds]) =>
        chainFunction(context, name, kinds),
      ),
    }
  })
  const walks = [...sharedWalks.values()]
  const looked = lookUps.finish(jumps)
  const others = [
    ...subprograms,
    ...walks.flatMap(({ functions }) => functions),
    ...looked.functions,
    ...going.functions.map(unpack),
  ]
  const chains = [...emitted.flatMap(({ base, own }) => [...base, ...own]), ...others]
  const names = [...arrays.keys()]
  const counts = lane.early
    ? logFunctions(names, lane.hook, record)
    : names
        .filter(array => [main, ...chains].some(fn => calls(fn, countFunctionName(array))))
        .map(array => countFunction(array, lane.hook))
  const spec: ProgramSpec = {
    name: programName(lane),
    hook: lane.hook,
    type: programType(lane.hook),
    license: 'Dual MIT/GPL',
    functions: [
      main,
      ...chains,
      ...counts,
      ...(asked.some(({ needs }) => asksAddressType(needs)) ? [addressTypeFunction()] : []),
      ...(asked.some(({ needs }) => needs.fields.has('cgroup')) ? [cgroupFunction()] : []),
      ...(asked.some(({ needs }) => needs.fields.has('groups')) ? [groupFunction()] : []),
    ],
    maps: onceByName([
      ...[...arrays.values()].map(counterMap),
      ...frameOf(lane).maps,
      ...looked.maps,
      ...dataMaps,
      ...walks.flatMap(({ maps }) => maps),
      ...rows.maps,
      ...(nth.map && nthTestsIn(plans).length > 0 ? [nth.map] : []),
      ...going.maps,
    ]),
  }
  const protocols = new Map(asked.map(({ family, needs }) => [family, needs.protocols]))
  return {
    spec,
    lookUps: looked.uses,
    trees: walked,
    walks: new Map(walks.flatMap(({ uses }) => [...uses])),
    protocols,
    holders: holdersOf,
    chainFunctions: [...emitted.flatMap(({ own }) => own), ...others],
    record: record.shape,
    ...(held && { held }),
  }
}

/** How chains are called: a Map of thousands is copied as it is. */
function withHeld(own: Holders['entries'] = new Map(), held?: ChainCode): Holders['entries'] {
  if (!held) return own
  const entries = new Map<string, Entry>(held.entries)
  for (const [name, entry] of own) entries.set(name, entry)
  return entries
}

/** Gives names out of prefixes and numbers, from 0 on, but for those that are taken. */
function createNames(taken: ReadonlySet<string>): (prefix: string) => string {
  let next = 0
  return prefix => {
    while (taken.has(`${prefix}${next}`)) next++
    return `${prefix}${next++}`
  }
}

/**
 * So many places where packets go on may count without a call. It takes five times the code of a call, and the verifier makes ten instructions of each
 * look-up, which jumps across them must still reach over (see plainJumps).
 */
const MOST_IN_PLACE = 128

function needsFor(lane: Lane, { plan, family }: FamilyPlan, held?: HeldCode): Needs {
  const code = held?.get(family)
  const { fields, protocols } = needsOf(plan, family)
  const more = lane.early ? certaintyFields[firstTable(lane, family)] : []
  return {
    fields: new Set([...fields, ...more, ...(code?.fields ?? [])]),
    protocols: new Set([...protocols, ...(code?.protocols ?? [])]),
  }
}

type AskedPlan = FamilyPlan & { readonly needs: Needs }

/**
 * So many slots of chains may stand in the main function, whose stack holds the record: at the end of each way through a function that reads its stack, Linux 6.18 looks
 * at all instructions of the function again (bpf_update_live_stack in kernel/bpf/liveness.c). 120,000 slots took it a minute, and a second where the record is another function's.
 */
const MOST_IN_MAIN = 8192

/**
 * Whether base chains stand in the main function instead of functions of their own, which saves a call. They do at netfilter, where nothing is left to be
 * done behind them, if keys of look-ups are not too large for what the prologue leaves of the stack and the kernel is soon through with so much code.
 */
const standsInMain = (lane: Lane, plans: readonly FamilyPlan[]): boolean =>
  isNetfilterHook(lane.hook) &&
  plans.every(
    ({ plan, family }) => largestKey(plan, family) <= FREE_STACK && slotsInPlace(plan) <= MOST_IN_MAIN,
  )

/** Slots of the base chain, about, and of the chains that stand in place of their calls. */
function slotsInPlace({ chains, functions }: Plan): number {
  let slots = 0
  for (const chain of chains.values()) if (!functions.has(chain.name)) slots += chain.slots
  return slots
}

interface MainOptions {
  readonly jumps: JumpOptions
  /** Where base chains stand in the main function. */
  readonly contextOf?: (planned: FamilyPlan) => EmitContext
}

function mainFunction(
  lane: Lane,
  plans: readonly AskedPlan[],
  record: RecordLayout,
  { jumps, contextOf }: MainOptions,
): FunctionSpec {
  const assembler = createAssembler()
  const frame = frameOf(lane)
  const ways = { pass: assembler.label('pass'), refuse: assembler.label('refuse') }
  const requests = plans.map(planned => ({
    ...planned,
    ...planned.needs,
    standalone: lane.standalone === true,
    ...(lane.early && { early: firstTable(lane, planned.family) }),
    record,
    ready: assembler.label(`ipv${planned.family}`),
  }))
  frame.prologue(assembler, requests, ways)
  for (const request of requests) {
    const { plan, family, policy } = request
    assembler.place(request.ready)
    emitClock(assembler, request)
    if (contextOf) {
      const ends = { accept: endOf(frame.verdicts.accept), drop: endOf(frame.verdicts.drop), return: policy }
      if (request.fields.size > 0) assembler.emit(...forgetRecord(record))
      emitChains(assembler, contextOf(request), [onlyKind(plan.base)], ends)
      continue
    }
    assembler.emit(
      mov(r1, r6),
      callFunction(chainFunctionName(plan.base.name, family)),
      jumpIf('==', r0, immediate(chainResult.accept), ways.pass),
    )
    frame.confirm?.(assembler, request, ways)
    assembler.emit(jump(ways.refuse))
  }
  for (const [label, verdict] of [
    [ways.pass, frame.verdicts.accept],
    [ways.refuse, frame.verdicts.drop],
  ] as const) {
    assembler.place(label)
    assembler.emit(...endOf(verdict))
  }
  return {
    name: 'filter',
    parameters: [{ name: 'ctx', type: { kind: 'context' } }],
    instructions: assembler.assemble(jumps),
  }
}

const endOf = (verdict: number): Instruction[] => [movImmediate(r0, verdict), exit()]
