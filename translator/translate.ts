// From rule sets to programs: the whole of the translator in one call.

import {
  chainOf,
  type Family,
  type Match,
  type Rule,
  type Ruleset,
  type Span,
  type Table,
  type TableName,
  type Target,
  tableOf,
} from 'iptables-parser'
import { type JumpOptions, plainJumps } from './asm/relax.ts'
import { type BuiltProgram, buildProgram, type FamilyPlan } from './build.ts'
import { defaultStrategies, type Strategies } from './chain.ts'
import {
  type Counted,
  type CounterArray,
  type CounterLayout,
  type CounterPlace,
  countedRules,
  counterPlace,
  countingIn,
} from './counter.ts'
import { earlyItemsStepByStep } from './early.ts'
import { canHold, type HeldCode } from './edit/chain-code.ts'
import { addFields } from './emit/needs.ts'
import type { FieldName } from './field.ts'
import { FieldSets } from './field-sets.ts'
import { isNetfilterHook, netfilterPlaces, type Place } from './hook/place.ts'
import { type Item, partlyPlainItems, RuleUntranslatable } from './item.ts'
import { firstTable, type Lane } from './lane.ts'
import type { GoingOn } from './look-ups.ts'
import { Untranslatable } from './match/translate.ts'
import type { Obstacle } from './nesting.ts'
import { nthLayout } from './nth.ts'
import { planChains } from './plan.ts'
import { PlanMemory } from './plan-memory.ts'
import { isQuestionField, MOST_QUESTIONS, type QuestionField } from './question.ts'

export interface TranslateOptions {
  /** The lanes to make programs for; a lane whose family has no rule set gets none. */
  readonly lanes: readonly Lane[]
  readonly counters: CounterLayout
  /** Where to depart from the cost model. */
  readonly strategies?: Partial<Strategies>
  /** How far jumps are made: as Linux 6.6 and later take them, unless given. */
  readonly jumps?: JumpOptions
  /** What translations of the same rule sets share. */
  readonly memory?: PlanMemory
  /** Chains of which the program of the one lane has the code, and not the rules. */
  readonly held?: HeldCode
  /** Look-ups of its program before that go on. */
  readonly goingOn?: GoingOn
}

/** A rule that no program of the chosen hooks can hold. */
export interface Refusal {
  readonly lane: Lane
  readonly rule: Counted
  /** The option that is the cause, where the rule was read from a text. */
  readonly span?: Span
  readonly reason: string
  readonly hint?: string
}

export interface LaneProgram extends BuiltProgram {
  readonly lane: Lane
  /** The chains as they were planned; a hook that sees both families has a plan for each. */
  readonly plans: readonly FamilyPlan[]
}

/** What came of a translation. Programs are there only when nothing was refused. */
export type Translation =
  | { readonly kind: 'refused'; readonly refusals: readonly Refusal[] }
  | {
      readonly kind: 'translated'
      readonly programs: readonly LaneProgram[]
      /** The rule table of the programs; printed when it is first asked for. */
      readonly rules: readonly Counted[]
    }

export type Translated = Extract<Translation, { readonly kind: 'translated' }>

/** The base chain that a lane runs for a family. */
export function placeOf(lane: Lane, family: Family): Pick<Place, 'table' | 'chain'> {
  if (isNetfilterHook(lane.hook)) return netfilterPlaces[lane.hook]
  const isRaw = lane.early && firstTable(lane, family) === 'raw'
  return netfilterPlaces[isRaw ? 'nf-raw-prerouting' : 'nf-input']
}

/** Chains planned for each lane, or why they cannot be. */
export type Planning = Extract<Translation, { kind: 'refused' }> | PlannedLanes

export interface PlannedLanes {
  readonly kind: 'planned'
  readonly lanes: readonly Pick<LaneProgram, 'lane' | 'plans'>[]
  readonly index: RuleIndex
  readonly memory: PlanMemory
  readonly held?: HeldCode
  readonly goingOn?: GoingOn
}

/** Translates at most one rule set for each family. Pure: the same input gives the same programs. */
export function translate(rulesets: readonly Ruleset[], options: TranslateOptions): Translation {
  const planning = planLanes(rulesets, options)
  return planning.kind === 'refused' ? planning : buildLanes(planning, options.jumps)
}

/** Translates where a program goes on with functions of another; undefined where it cannot. */
export function translateAround(
  rulesets: readonly Ruleset[],
  options: TranslateOptions & Required<Pick<TranslateOptions, 'held'>>,
): Translated | undefined {
  const planning = planLanes(rulesets, options)
  if (planning.kind === 'refused') return undefined
  const plans = planning.lanes.flatMap(lane => lane.plans)
  return canHold(options.held, plans) ? buildLanes(planning, options.jumps) : undefined
}

/** Half of a translation: which blocks the chains come to, without their code. */
export function planLanes(
  rulesets: readonly Ruleset[],
  { lanes, counters, strategies, memory = new PlanMemory(), held, goingOn }: TranslateOptions,
): Planning {
  const index = new RuleIndex(rulesets, counters)
  const refusals: Refusal[] = []
  const making = {
    index,
    memory,
    refusals,
    strategies: { ...defaultStrategies, ...strategies },
    ...(held && { held }),
  }
  const planned = lanes.flatMap(lane => {
    const plans = tablesAt(rulesets, lane).map(({ family, table }) => planTable(table, family, lane, making))
    return plans.length === 0 ? [] : [{ lane, plans }]
  })
  if (refusals.length > 0) return { kind: 'refused', refusals: distinct(refusals) }
  return {
    kind: 'planned',
    lanes: planned,
    index,
    memory,
    ...(held && { held }),
    ...(goingOn && { goingOn }),
  }
}

/** The other half: their programs. */
export function buildLanes(
  { lanes, index, memory, held, goingOn }: PlannedLanes,
  jumps: JumpOptions = plainJumps,
): Translated {
  const nth = nthLayout(lanes.flatMap(({ plans }) => plans))
  const build = ({ lane, plans }: (typeof lanes)[number]): LaneProgram => ({
    lane,
    plans,
    ...buildProgram(lane, plans, {
      place: rule => index.place(rule),
      counters: index.arrays,
      nth,
      jumps,
      memory,
      ...(held && { held }),
      ...(goingOn && { goingOn }),
    }),
  })
  return {
    kind: 'translated',
    programs: lanes.map(build),
    get rules() {
      return index.rules
    },
  }
}

function tablesAt(rulesets: readonly Ruleset[], lane: Lane): { family: Family; table: Table }[] {
  return rulesets.flatMap(ruleset => {
    const table = tableOf(ruleset, placeOf(lane, ruleset.family).table)
    return table && (lane.family ?? ruleset.family) === ruleset.family
      ? [{ family: ruleset.family, table }]
      : []
  })
}

/** What chains are planned with. */
interface Making {
  readonly index: RuleIndex
  readonly memory: PlanMemory
  readonly strategies: Strategies
  /** Grows. */
  readonly refusals: Refusal[]
  readonly held?: HeldCode
}

function planTable(
  table: Table,
  family: Family,
  lane: Lane,
  { index, memory, strategies, refusals, held }: Making,
): FamilyPlan {
  const { chain: base } = placeOf(lane, family)
  const verdict = chainOf(table, base)?.policy === 'DROP' ? 'drop' : 'accept'
  const asked: Asked = { questions: new Set(), lists: new Set() }
  const known = memory.of(family, table.name)
  const firsts = index.firstsOf(family, table.name)
  const itemsOf = (rule: Rule, number: number): readonly Item[] => {
    try {
      const items = lane.early
        ? earlyItemsStepByStep(rule, number, lane, family)
        : partlyPlainItems(rule, number, lane, family)
      addQuestions(asked, items)
      return items
    } catch (error) {
      refusals.push(refusalOf(error, lane, rule, index.rules[number]))
      return []
    }
  }
  const itemsIn = (chain: string, rules: readonly Rule[]): readonly Item[] =>
    known.itemsOf(chain, rules, { first: firsts.get(chain) ?? Number.NaN, itemsOf })
  const code = held?.get(family)
  const plan = planChains(table, base, {
    family,
    strategies,
    memory: known,
    itemsOf: itemsIn,
    ...(code && { held: code }),
  })
  if (plan.obstacle) refusals.push(tooDeep(plan.obstacle, lane, table, index))
  return { family, plan, policy: { rule: index.of(family, table.name, base, 0), verdict } }
}

/** What rules asked so far. */
interface Asked {
  readonly questions: Set<QuestionField>
  /** Fields that rules asked about, all at once: there are few such lists. */
  readonly lists: Set<readonly FieldName[]>
}

/** Notes the questions of a rule. Throws where they are more than a program can ask. */
function addQuestions({ questions, lists }: Asked, items: readonly Item[]): void {
  const add = (field: FieldName): void => {
    if (!isQuestionField(field) || questions.has(field)) return
    if (questions.size === MOST_QUESTIONS)
      throw new Untranslatable(
        `more than ${MOST_QUESTIONS} different questions of this kind are asked of every packet`,
      )
    questions.add(field)
  }
  for (let at = 0; at < items.length; at++) {
    const item = items[at] as Item
    const { names } = FieldSets.of(item.sets)
    if (item.rest.length === 0 && lists.has(names)) continue
    addFields({ add }, item)
    if (item.rest.length === 0) lists.add(names)
  }
}

function refusalOf(error: unknown, lane: Lane, rule: Rule, counted: Counted | undefined): Refusal {
  if (!(error instanceof RuleUntranslatable || error instanceof Untranslatable) || !counted) throw error
  const part: Match | Target | undefined = error instanceof RuleUntranslatable ? error.part : undefined
  const span = part?.span ?? rule.span
  return {
    lane,
    rule: counted,
    ...(span && { span }),
    reason: error.message,
    hint: error.hint ?? "take the rule out, or leave this rule set to the kernel's own iptables",
  }
}

function tooDeep({ rule, reason }: Obstacle, lane: Lane, table: Table, { rules }: RuleIndex): Refusal {
  const counted = rules[rule]
  if (!counted) throw new RangeError(`no rule ${rule}`)
  const { span } = chainOf(table, counted.chain)?.rules[counted.number - 1] ?? {}
  return { lane, rule: counted, ...(span && { span }), reason, hint: 'call chains from fewer others' }
}

/** A chain that several base chains reach is refused once for each of them; one of them is enough to say. */
function distinct(refusals: readonly Refusal[]): Refusal[] {
  const seen = new Map(refusals.map(refusal => [refusal.rule, refusal]).reverse() as [Counted, Refusal][])
  return refusals.filter(refusal => seen.get(refusal.rule) === refusal)
}

/** Finds rules in the order of all that counts, and where they count. */
export class RuleIndex {
  readonly #rulesets: readonly Ruleset[]
  readonly #counters: CounterLayout
  readonly #firsts: Firsts
  /** Of each rule that was asked for: most are, for several programs. */
  readonly #places: (CounterPlace | undefined)[]
  #rules: readonly Counted[] | undefined

  constructor(rulesets: readonly Ruleset[], counters: CounterLayout) {
    this.#rulesets = rulesets
    this.#counters = counters
    this.#firsts = firstsIn(rulesets)
    this.#places = new Array(counters.slots.length)
  }

  get rules(): readonly Counted[] {
    this.#rules ??= countedRules(this.#rulesets)
    return this.#rules
  }

  /** Of each chain of a table the index of its first rule. */
  firstsOf(family: Family, table: TableName): ReadonlyMap<string, number> {
    return this.#firsts.get(keyOf(family, table)) ?? new Map()
  }

  /** The index of a rule; number 0 is the chain's policy. */
  of(family: Family, table: TableName, chain: string, number: number): number {
    const first = this.firstsOf(family, table).get(chain)
    if (first === undefined) throw new RangeError(`no chain ${chain}`)
    return first - 1 + number
  }

  get arrays(): readonly CounterArray[] {
    return this.#counters.arrays
  }

  place(rule: number): CounterPlace {
    const known = this.#places[rule]
    if (known) return known
    const place = counterPlace(this.#counters, this.#counters.slots[rule] ?? Number.NaN)
    this.#places[rule] = place
    return place
  }
}

/** Of each family's table and of each chain in it, where its first rule stands; in front of it is the policy. */
type Firsts = ReadonlyMap<string, ReadonlyMap<string, number>>

/** The same rule sets are translated for several lanes. */
const firstsKnown = new WeakMap<readonly Ruleset[], Firsts>()

function firstsIn(rulesets: readonly Ruleset[]): Firsts {
  const known = firstsKnown.get(rulesets)
  if (known) return known
  const all = new Map<string, Map<string, number>>()
  let next = 0
  for (const { family, tables } of rulesets)
    for (const table of tables) {
      const firsts = new Map<string, number>()
      all.set(keyOf(family, table.name), firsts)
      for (const chain of table.chains) {
        next += countingIn(chain)
        firsts.set(chain.name, next - chain.rules.length)
      }
    }
  firstsKnown.set(rulesets, all)
  return all
}

const keyOf = (family: Family, table: TableName): string => `${family} ${table}`
