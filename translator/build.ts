// From planned chains to a program: prologue, base chain, functions, maps.

import type { Family } from 'iptables-parser'
import { mov, movImmediate } from './asm/alu.ts'
import { type Assembler, createAssembler } from './asm/assembler.ts'
import { callFunction, exit, immediate, jump, jumpIf } from './asm/jump.ts'
import { r0, r1, r6 } from './asm/register.ts'
import type { JumpOptions } from './asm/relax.ts'
import type { CounterArray, CounterPlace } from './counter.ts'
import { addressTypeFunction } from './emit/address-type.ts'
import { cgroupFunction } from './emit/cgroup.ts'
import { chainFunction, type EmitContext, type PlannedPolicy } from './emit/chain.ts'
import { countCall, counterMap, countFunction, countFunctionName, emitCountInPlace } from './emit/count.ts'
import { chainResult, type TableUse, type TreeData, type TreesUse } from './emit/frame.ts'
import { groupFunction } from './emit/group.ts'
import { LOG_SIZE, logFunctions } from './emit/log.ts'
import { type Needs, needsOf } from './emit/needs.ts'
import { chainFunctionName } from './emit/outcome.ts'
import { type RecordLayout, recordLayout } from './emit/record.ts'
import { wordsOfPlan } from './emit/walk.ts'
import { asksAddressType } from './hook/address-type.ts'
import { certaintyFields } from './hook/certain.ts'
import { emitClock } from './hook/clock.ts'
import { FORGET_FUNCTION, forgetFunction } from './hook/forget.ts'
import { frameOf } from './hook/registry.ts'
import { firstTable, type Lane, programName, programType } from './lane.ts'
import { type NthLayout, nthTestsIn } from './nth.ts'
import type { Plan } from './plan.ts'
import type { PlanMemory } from './plan-memory.ts'
import { calls, type FunctionSpec, type MapSpec, type ProgramSpec } from './program.ts'

/** The plan of one family in a program, and its base chain's policy. */
export interface FamilyPlan {
  readonly family: Family
  readonly plan: Plan
  readonly policy: PlannedPolicy
}

export interface BuiltProgram {
  readonly spec: ProgramSpec
  /** What its look-ups are for, by the names of their maps. */
  readonly tables: ReadonlyMap<string, TableUse>
  /** And what its maps of trees are walked for. */
  readonly trees: ReadonlyMap<string, TreesUse>
}

/** What all programs of a translation are built with. */
interface Building {
  readonly place: (rule: number) => CounterPlace
  readonly nth: NthLayout
  readonly jumps: JumpOptions
  readonly memory: PlanMemory
}

/** Builds the program of a lane out of one plan, or at hooks that see both families two. */
export function buildProgram(
  lane: Lane,
  plans: readonly FamilyPlan[],
  { place, nth, jumps, memory }: Building,
): BuiltProgram {
  const arrays = new Map<string, CounterArray>()
  const remember = (rule: number): CounterPlace => {
    const found = place(rule)
    arrays.set(found.array.name, found.array)
    return found
  }
  const tables: MapSpec[] = []
  const dataMaps: MapSpec[] = []
  const uses = new Map<string, TableUse>()
  const table = (map: Omit<MapSpec, 'name'>, use: TableUse): string => {
    const name = `dispatch${tables.length}`
    tables.push({ ...map, name })
    uses.set(name, use)
    return name
  }
  const asked = plans.map(planned => ({ ...planned, needs: needsFor(lane, planned) }))
  const record = recordLayout(
    asked.map(({ family, needs }) => ({ family, fields: needs.fields })),
    {
      logSize: lane.early ? LOG_SIZE : 0,
      words: Math.max(...plans.map(({ plan, family }) => wordsOfPlan(plan, family))),
    },
  )

  const walked = new Map<string, TreesUse>()
  const data: EmitContext['data'] = (value, use) => {
    const name = `trees${dataMaps.length}`
    dataMaps.push(dataMap(name, value))
    walked.set(name, use)
    return name
  }
  const subprograms: FunctionSpec[] = []
  const subprogram: EmitContext['subprogram'] = (prefix, fn) => {
    const name = `${prefix}${subprograms.length}`
    subprograms.push({ ...fn, name })
    return name
  }
  const byCall: EmitContext['countOn'] = (assembler, array) => assembler.emit(...countCall(array))
  const inPlace: EmitContext['countOn'] = lane.early
    ? byCall
    : (assembler, array) => emitCountInPlace(assembler, array, lane.hook)
  let places = 0
  const countOn: EmitContext['countOn'] = (assembler, array) =>
    (places++ < MOST_IN_PLACE ? inPlace : byCall)(assembler, array)
  const main = mainFunction(lane, asked, record)
  const chains = plans.flatMap(({ plan, family, policy }) => {
    const { chains, functions } = plan
    const context: EmitContext = {
      family,
      record,
      chains,
      functions,
      jumps,
      place: remember,
      nth: nth.offset,
      treesOf: (block, write) => memory.treesOf(block, write),
      table,
      data,
      countEnd: inPlace,
      countOn,
      subprogram,
    }
    const others = [...plan.functions].flatMap(name => plan.chains.get(name) ?? [])
    return [chainFunction(context, plan.base, policy), ...others.map(chain => chainFunction(context, chain))]
  })
  const names = [...arrays.keys()]
  const counts = lane.early
    ? logFunctions(names, lane.hook, record)
    : names
        .filter(array => [...chains, ...subprograms].some(fn => calls(fn, countFunctionName(array))))
        .map(array => countFunction(array, lane.hook, record))
  const spec: ProgramSpec = {
    name: programName(lane),
    hook: lane.hook,
    type: programType(lane.hook),
    license: 'Dual MIT/GPL',
    functions: [
      main,
      ...chains,
      ...subprograms,
      ...counts,
      ...(calls(main, FORGET_FUNCTION) ? [forgetFunction(record)] : []),
      ...(asked.some(({ needs }) => asksAddressType(needs)) ? [addressTypeFunction()] : []),
      ...(asked.some(({ needs }) => needs.fields.has('cgroup')) ? [cgroupFunction()] : []),
      ...(asked.some(({ needs }) => needs.fields.has('groups')) ? [groupFunction()] : []),
    ],
    maps: [
      ...[...arrays.values()].map(counterMap),
      ...frameOf(lane).maps,
      ...tables,
      ...dataMaps,
      ...(nth.map && nthTestsIn(plans).length > 0 ? [nth.map] : []),
    ],
  }
  return { spec, tables: uses, trees: walked }
}

/**
 * So many places where packets go on may count without a call. It takes five times the code of a call, and the verifier makes ten instructions of each
 * look-up, which jumps across them must still reach over (see plainJumps).
 */
const MOST_IN_PLACE = 128

const needsFor = (lane: Lane, { plan, family }: FamilyPlan): Needs => {
  const { fields, protocols } = needsOf(plan, family)
  const more = lane.early ? certaintyFields[firstTable(lane, family)] : []
  return { fields: new Set([...fields, ...more]), protocols }
}

/** An array of the one value. */
const dataMap = (name: string, { size, bytes }: TreeData): MapSpec => ({
  name,
  type: 'ARRAY',
  keySize: 4,
  valueSize: size,
  maxEntries: 1,
  flags: 0,
  shared: false,
  ...(bytes && { contents: { count: 1, keys: new Uint8Array(4), values: bytes } }),
})

type AskedPlan = FamilyPlan & { readonly needs: Needs }

function mainFunction(lane: Lane, plans: readonly AskedPlan[], record: RecordLayout): FunctionSpec {
  const assembler = createAssembler()
  const frame = frameOf(lane)
  const ways = { pass: assembler.label('pass'), refuse: assembler.label('refuse') }
  const requests = plans.map(({ family, needs }) => ({
    ...needs,
    family,
    standalone: lane.standalone === true,
    ...(lane.early && { early: firstTable(lane, family) }),
    record,
    ready: assembler.label(`ipv${family}`),
  }))
  frame.prologue(assembler, requests, ways)
  for (const [index, { family, plan }] of plans.entries()) {
    const request = requests[index]
    if (request) {
      assembler.place(request.ready)
      emitClock(assembler, request)
    }
    assembler.emit(
      mov(r1, r6),
      callFunction(chainFunctionName(plan.base.name, family)),
      jumpIf('==', r0, immediate(chainResult.accept), ways.pass),
    )
    if (request) frame.confirm?.(assembler, request, ways)
    assembler.emit(jump(ways.refuse))
  }
  emitWay(assembler, ways.pass, frame.verdicts.accept)
  emitWay(assembler, ways.refuse, frame.verdicts.drop)
  return {
    name: 'filter',
    parameters: [{ name: 'ctx', type: { kind: 'context' } }],
    instructions: assembler.assemble(),
  }
}

function emitWay(assembler: Assembler, label: Parameters<Assembler['place']>[0], verdict: number): void {
  assembler.place(label)
  assembler.emit(movImmediate(r0, verdict), exit())
}
