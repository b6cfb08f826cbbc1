// Changing the rules in force: what every command that writes comes down to.

import { cautiousJumps } from '../../translator/asm/relax.ts'
import { needsConntrack } from '../../translator/conntrack.ts'
import { CAUTIOUS_SLOTS } from '../../translator/cost.ts'
import type { CounterArray } from '../../translator/counter.ts'
import { type Lane, lanesFor } from '../../translator/lane.ts'
import { PlanMemory } from '../../translator/plan-memory.ts'
import { type Refusal, type Translation, translate } from '../../translator/translate.ts'
import { recordChange } from '../stats/record.ts'
import { type MadeAhead, withCountersAhead } from './ahead.ts'
import { afterFailure, type Early, noEarly, planEarly, type Unavailable } from './early.ts'
import { readLiveHits } from './edit.ts'
import { ServiceError } from './error.ts'
import { type Generation, listGenerations } from './generation.ts'
import { describeGeneration as describeEdits } from './incremental/describe.ts'
import { editedRules, editedSlots } from './incremental/edited.ts'
import { finishEdits } from './incremental/quick.ts'
import { openState } from './incremental/state.ts'
import { readTypesAhead } from './kernel-types.ts'
import { chosenHook, devicesFor } from './lanes.ts'
import { currentNamespace, type Live, readGenerationWord } from './live.ts'
import { load } from './load.ts'
import { type LockWait, withLock } from './lock.ts'
import type { Beside } from './passthrough/beside.ts'
import { readKept } from './passthrough/kept.ts'
import { type Change, type Plan, planGeneration } from './plan.ts'
import { lanesPinned } from './programs.ts'
import type { HookChoice, Settings } from './settings.ts'
import type { Next, SwapOptions, SwapStep } from './swap.ts'

export interface ApplyOptions extends SwapOptions {
  readonly hook?: HookChoice
  /** Translate and let the verifier see the programs, but leave everything as it is. */
  readonly dryRun?: boolean
  readonly wait: LockWait
  /** What the kernel's own iptables takes at the same time, asked once the changes are worked out. */
  readonly beside?: () => Beside | undefined
}

/** What came of a change. Refused: nothing was touched. */
export type Applied =
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] }
  /** There was nothing to change. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'applied'; readonly generation: Generation; readonly before: Live | undefined }

/** Works out changes from what is in force, and puts them in force. What it throws leaves the rules in force as they were. */
export const applyChanges = (
  settings: Settings,
  decide: (live: Live | undefined) => readonly Change[],
  options: ApplyOptions,
): Promise<Applied> => withLock(settings, options.wait, () => applyLocked(settings, decide, options))

async function applyLocked(
  settings: Settings,
  decide: (live: Live | undefined) => readonly Change[],
  options: ApplyOptions,
): Promise<Applied> {
  finishEditsInForce(settings)
  const live = readLiveHits(settings)
  const changes = decide(live)
  const beside = options.beside?.()
  beside?.test()
  if (changes.length === 0) return changeBeside(beside, options)
  const types = readTypesAhead(settings)
  const plan = planGeneration(live ?? nothingLoaded, changes)
  const edited = editedSlots(live, changes, plan)
  const applied = await withCountersAhead(newArrays(live, plan), ahead =>
    attempt(settings, { live, plan, edited, beside, ahead, types }, options, {}),
  )
  if (applied.kind === 'applied' && !options.dryRun)
    await recordChange(settings, live, plan, applied.generation.number)
  return applied
}

/** What is to be put in force, in place of what. */
interface Wanted {
  readonly live: Live | undefined
  readonly plan: Plan
  readonly edited: readonly number[]
  readonly beside: Beside | undefined
  readonly ahead: Promise<MadeAhead>
  /** The kernel's types, being read. */
  readonly types: Promise<void>
}

const newArrays = (live: Live | undefined, { layout }: Plan): readonly CounterArray[] =>
  layout.arrays.slice(live?.counterArrays.length ?? 0)

/** Once more without an early drop where that may have been what failed. */
async function attempt(
  settings: Settings,
  wanted: Wanted,
  options: ApplyOptions,
  unavailable: Unavailable,
): Promise<Applied> {
  const { live, plan, edited, beside } = wanted
  const { rulesets, layout: counters } = plan
  const memory = new PlanMemory()
  const rules = { counters, memory, strategies: { edited: editedRules(plan, edited) } }
  const choice = chosenBefore(options.hook ?? settings.hook, live)
  const surroundings = { devices: devicesFor(settings), tables: tablesBeside(settings, beside), unavailable }
  const early = choice === 'auto' ? planEarly(rulesets, rules, surroundings) : noEarly
  const generation = { ...describeGeneration(settings, live, plan, choice, early), edited }
  const before = live && openState(settings, live.generation.number)
  const reused = before ? reusableLanes(settings, live, generation, plan) : []
  const lanes = generation.lanes.filter(lane => !lane.early && !reused.includes(lane))
  const translation = withEarly(translate(rulesets, { ...rules, lanes }), early)
  if (translation.kind === 'refused') return translation
  const resting = [...(live?.rulesets.flatMap(({ slots }) => slots) ?? []), ...(live?.resting ?? [])]
  const describe: Next['describe'] = translation =>
    describeEdits({ generation, rulesets, translation, before, resting })
  const [ahead] = await Promise.all([wanted.ahead, wanted.types])
  const next = { live, generation, plan, translation, reused, describe, ahead }
  const cautiously = (): Translation => {
    const strategies = { ...rules.strategies, mostSlots: CAUTIOUS_SLOTS }
    return withEarly(translate(rulesets, { ...rules, strategies, lanes, jumps: cautiousJumps }), early)
  }
  let final = false
  const watched = noting(options, () => {
    final = true
  })
  try {
    await loadBeside(beside, watched, steps => load(settings, next, cautiously, steps))
  } catch (error) {
    const rest = final || isTheirs(error) ? undefined : afterFailure(early, unavailable, error)
    if (rest === undefined) throw error
    return attempt(settings, wanted, options, rest)
  }
  return { kind: 'applied', generation, before: live }
}

/** What the kernel's own iptables has, or will have with this change. */
const tablesBeside = (settings: Settings, beside: Beside | undefined): readonly string[] => [
  ...readKept(settings).map(({ table }) => table),
  ...(beside?.tables ?? []),
]

/** What the kernel's own iptables refuses has nothing to do with early drops. */
const isTheirs = (error: unknown): boolean =>
  error instanceof ServiceError && error.code === 'ERR_PASSTHROUGH'

/** Says when the new generation stays, whatever fails. */
const noting = (options: ApplyOptions, final: () => void): ApplyOptions => ({
  ...options,
  before: step => {
    options.before?.(step)
    if (step === 'record') final()
  },
})

const withEarly = (translation: Translation, { programs }: Early): Translation =>
  translation.kind === 'refused'
    ? translation
    : {
        kind: 'translated',
        programs: [...translation.programs, ...programs],
        get rules() {
          return translation.rules
        },
      }

/** What was chosen once stays chosen for edits and reloads. */
const chosenBefore = (choice: HookChoice, live: Live | undefined): HookChoice =>
  choice === 'auto' && live ? (live.generation.choice ?? live.generation.hook) : choice

const nothingLoaded = { rulesets: [], counterArrays: [], resting: [] } as const

/** Nothing of ours changes. */
function changeBeside(beside: Beside | undefined, { dryRun }: ApplyOptions): Applied {
  if (!dryRun) {
    beside?.put()
    beside?.keep()
  }
  return { kind: 'unchanged' }
}

/** The tables beside ours change right before the commit: until then nothing is in force that had to be undone, and little can fail after it. */
async function loadBeside(
  beside: Beside | undefined,
  options: ApplyOptions,
  load: (options: ApplyOptions) => Promise<void>,
): Promise<void> {
  let final = false
  const before = (step: SwapStep): void => {
    options.before?.(step)
    if (step === 'commit') beside?.put()
    // from here on the new generation stays, whatever fails
    if (step === 'record') final = true
  }
  try {
    await load({ ...options, before })
  } catch (error) {
    if (!final) beside?.takeBack()
    throw error
  }
  if (!options.dryRun) beside?.keep()
}

function describeGeneration(
  settings: Settings,
  live: Live | undefined,
  { rulesets, saved, layout }: Plan,
  choice: HookChoice,
  early: Early,
): Generation {
  const hook = chosenHook(choice)
  return {
    number: nextNumber(settings, live),
    time: new Date().toISOString(),
    hook,
    choice,
    early: early.choices,
    devices: hook === 'netfilter' ? [] : devicesFor(settings),
    namespace: currentNamespace(),
    rulesets: saved,
    counterArrays: layout.arrays,
    lanes: [...lanesFor(hook, rulesets), ...early.programs.map(({ lane }) => lane)],
    conntrack: needsConntrack(rulesets),
  }
}

function finishEditsInForce(settings: Settings): void {
  const generation = readGenerationWord(settings)
  if (generation !== undefined) finishEdits(settings, generation)
}

/** The number after the one in force, which puts it into the other bank; else after all that were. */
const nextNumber = (settings: Settings, live: Live | undefined): number =>
  (live?.generation.number ?? listGenerations(settings).at(-1) ?? 0) + 1

/** Lanes that may keep their program: their family's rules stay, at the same hook. */
function reusableLanes(
  settings: Settings,
  live: Live | undefined,
  { hook, lanes }: Generation,
  { unchanged }: Plan,
): Lane[] {
  if (!live || live.generation.hook !== hook) return []
  const candidates = lanes.filter(({ family }) => family !== undefined && unchanged.has(family))
  return lanesPinned(settings, live.generation.number, candidates)
}
