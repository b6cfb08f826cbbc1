// The functions that chains of a program stand in, as plain data: another program has the chains without their rules, if it has the functions and their maps.
//
// The functions go on as they are, so the record they are given must have each field where it was, and the prologue must fill in all that they read. Chains in
// them are called by the selectors they had. What they call stands in functions that go on as well; what counts, and what else is the same in all programs,
// is made anew.

import type { Family } from 'iptables-parser'
import { decode, encode } from '../asm/encode.ts'
import type { Relocation } from '../asm/instruction.ts'
import type { FamilyPlan } from '../build.ts'
import { heldFit } from '../chain-function.ts'
import type { Entry } from '../emit/alike.ts'
import { countFunctionName } from '../emit/count.ts'
import { needsOf } from '../emit/needs.ts'
import type { RecordShape } from '../emit/record.ts'
import { wordsOfPlan } from '../emit/walk.ts'
import type { FieldName } from '../field.ts'
import type { Plan } from '../plan.ts'
import { type FunctionSpec, type MapSpec, onceByName } from '../program.ts'
import { isQuestionField, MOST_QUESTIONS } from '../question.ts'
import type { LaneProgram } from '../translate.ts'

/** How a chain is called, and how many functions can be called one by the other from it on. */
export interface HeldEntry extends Entry {
  readonly level: number
}

/** What goes on in a program, of each family that has such. */
export type HeldCode = ReadonlyMap<Family, ChainCode>

export interface ChainCode {
  readonly functions: readonly PackedFunction[]
  /** Of the chains that are called as functions. */
  readonly entries: ReadonlyMap<string, HeldEntry>
  /** Chains that stand in place in the functions. */
  readonly inPlace: ReadonlySet<string>
  /** What the functions refer to, without its contents. */
  readonly maps: readonly MapSpec[]
  /** What they need of the prologue. */
  readonly fields: ReadonlySet<FieldName>
  readonly protocols: ReadonlySet<number>
  readonly record: RecordShape
}

/** A function whose instructions are bytes, as the kernel takes them, and what relocations stand at which of them. */
export interface PackedFunction extends Omit<FunctionSpec, 'instructions'> {
  readonly bytes: Uint8Array
  readonly relocations: readonly (readonly [instruction: number, Relocation])[]
}

/** What functions were unpacked from: most go on as they are. */
const unpacked = new WeakMap<FunctionSpec, PackedFunction>()

function pack(spec: FunctionSpec): PackedFunction {
  const known = unpacked.get(spec)
  if (known) return known
  const { instructions, ...fn } = spec
  return {
    ...fn,
    bytes: encode(instructions),
    relocations: instructions.flatMap(({ relocation }, at) =>
      relocation ? [[at, relocation] as const] : [],
    ),
  }
}

/** The function, but for what listings and errors of the verifier say of it. */
export function unpack(packed: PackedFunction): FunctionSpec {
  const { bytes, relocations, ...fn } = packed
  const instructions = decode(bytes)
  for (const [at, relocation] of relocations) {
    const instruction = instructions[at]
    if (instruction) instructions[at] = { ...instruction, relocation }
  }
  const spec = { ...fn, instructions }
  unpacked.set(spec, packed)
  return spec
}

/** What stands at the instructions of a function that have to be relocated. */
const relocationsOf = (fn: FunctionSpec): readonly Relocation[] =>
  unpacked.get(fn)?.relocations.map(([, relocation]) => relocation) ??
  fn.instructions.flatMap(({ relocation }) => relocation ?? [])

/** The functions of a program's chains of a family; undefined where it has none, or none that could go on in another. */
export function chainCodeOf(
  { plans, spec, held, ...built }: Omit<LaneProgram, 'lane'>,
  family: Family,
): ChainCode | undefined {
  const planned = plans.find(one => one.family === family)
  if (!planned) return undefined
  const { plan } = planned
  const code = held?.get(family) ?? noCode
  const own = built.holders.get(family)?.entries ?? new Map<string, Entry>()
  const all = new Map(built.chainFunctions.map(fn => [fn.name, fn]))
  // the main function, and that of the base chain where it has one
  const reached = functionsFrom(
    spec.functions.filter(({ name }) => !all.has(name)),
    all,
  )
  const planCode = codeOf(plan, own)
  const entries = entriesReached(code.entries, planCode, reached)
  const called = entries === planCode.entries ? planCode.functions : functionsOf(entries)
  const names = functionsFrom(
    [...called].flatMap(name => all.get(name) ?? []),
    all,
  )
  for (const name of called) names.add(name)
  const functions = [...all.values()].filter(({ name }) => names.has(name))
  const maps = mapsIn(functions, spec.maps)
  if (functions.length === 0 || maps.some(({ together }) => together)) return undefined
  const hasOwn = [...built.holders.values()].some(({ entries }) => entries.size > 0)
  // or the record would grow with each edit of a base chain, whose code does not go on
  const before = hasOwn ? undefined : heldTogether(held).record
  const asked = before ? noCode : needsOf(plan, family)
  return {
    functions: functions.map(pack),
    entries,
    inPlace: code === noCode ? planCode.inPlace : new Set([...code.inPlace, ...planCode.inPlace]),
    maps,
    fields: new Set([...code.fields, ...asked.fields]),
    protocols: new Set([...code.protocols, ...asked.protocols]),
    record: before ?? built.record,
  }
}

const noCode = { entries: [], inPlace: [], fields: [], protocols: [] } as const

/** How a plan's own chains are called. */
interface PlanCode extends Pick<ChainCode, 'entries' | 'inPlace'> {
  readonly own: ReadonlyMap<string, Entry>
  /** That they stand in. */
  readonly functions: ReadonlySet<string>
}

/** Several programs may have one plan. */
const known = new WeakMap<Plan, PlanCode>()

function codeOf(plan: Plan, own: ReadonlyMap<string, Entry>): PlanCode {
  const before = known.get(plan)
  if (before?.own === own) return before
  const entries = new Map<string, HeldEntry>()
  own.forEach((entry, name) => {
    entries.set(name, { ...entry, level: plan.levels.get(name) ?? 0 })
  })
  const code = { own, entries, functions: functionsOf(entries), inPlace: inPlaceOf(plan, own) }
  known.set(plan, code)
  return code
}

function functionsOf(entries: ReadonlyMap<string, Entry>): ReadonlySet<string> {
  const functions = new Set<string>()
  entries.forEach(entry => {
    functions.add(entry.function)
  })
  return functions
}

/** Of chains that go on, and then of a plan's own, those whose functions are reached. */
function entriesReached(
  before: Iterable<readonly [string, HeldEntry]>,
  { entries, functions }: PlanCode,
  reached: ReadonlySet<string>,
): ReadonlyMap<string, HeldEntry> {
  const all = new Map(before)
  if (all.size === 0 && [...functions].every(name => reached.has(name))) return entries
  for (const [name, entry] of entries) all.set(name, entry)
  for (const [name, entry] of all) if (!reached.has(entry.function)) all.delete(name)
  return all
}

/** The names of all functions that these call, and that those call. */
function functionsFrom(
  functions: readonly FunctionSpec[],
  all: ReadonlyMap<string, FunctionSpec>,
): Set<string> {
  const reached = new Set<string>()
  const pending = [...functions]
  for (let fn = pending.pop(); fn; fn = pending.pop())
    for (const relocation of relocationsOf(fn)) {
      const called = relocation.kind === 'function' ? all.get(relocation.name) : undefined
      if (!called || reached.has(called.name)) continue
      reached.add(called.name)
      pending.push(called)
    }
  return reached
}

/** The maps that functions refer to, and those they count in by a call. */
function mapsIn(functions: readonly FunctionSpec[], maps: readonly MapSpec[]): readonly MapSpec[] {
  const [names, called] = [new Set<string>(), new Set<string>()]
  for (const relocation of functions.flatMap(relocationsOf)) {
    if ('map' in relocation) names.add(relocation.map)
    if (relocation.kind === 'function') called.add(relocation.name)
  }
  return maps
    .filter(({ name }) => names.has(name) || called.has(countFunctionName(name)))
    .map(({ contents: _, ...map }) => map)
}

/** The chains that stand in place in functions of others, and in these. */
function inPlaceOf(plan: Plan, own: ReadonlyMap<string, Entry>): ReadonlySet<string> {
  const inPlace = new Set<string>()
  const pending = [...own.keys()]
  for (let name = pending.pop(); name !== undefined; name = pending.pop())
    plan.graph.calls.get(name)?.forEach((_, called) => {
      if (plan.functions.has(called) || inPlace.has(called)) return
      inPlace.add(called)
      pending.push(called)
    })
  return inPlace
}

/** BPF_MAX_SUBPROGS is 256, and MAX_USED_MAPS 64; other functions and maps need some. */
const [MOST_FUNCTIONS, MOST_MAPS] = [160, 40]

/** Whether a program of these plans can have the functions: there are frames for them, and their record has room for what else is read. */
export function canHold(held: HeldCode, plans: readonly FamilyPlan[]): boolean {
  const { functions, maps, record } = heldTogether(held)
  return (
    record?.families.join() === plans.map(({ family }) => family).join() &&
    functions.length <= MOST_FUNCTIONS &&
    maps.length <= MOST_MAPS &&
    plans.every(planned => hasRoom(held.get(planned.family), planned))
  )
}

function hasRoom(code: ChainCode | undefined, { plan, family }: FamilyPlan): boolean {
  if (!code) return true
  const needs = needsOf(plan, family)
  const questions = [...new Set([...code.fields, ...needs.fields])].filter(isQuestionField)
  return (
    questions.length <= MOST_QUESTIONS &&
    wordsOfPlan(plan, family) <= code.record.words &&
    heldFit(plan, code.entries)
  )
}

/** What goes on of all families; what several have stands once. */
export function heldTogether(held: HeldCode = new Map()): {
  readonly functions: readonly PackedFunction[]
  readonly maps: readonly MapSpec[]
  /** One for all families of a program. */
  readonly record?: RecordShape
} {
  const all = [...held.values()]
  const [first] = all
  return {
    functions: onceByName(all.flatMap(({ functions }) => functions)),
    maps: onceByName(all.flatMap(({ maps }) => maps)),
    ...(first && { record: first.record }),
  }
}
