// A rule as trees see it: a box in the space of fields, what cannot be said as a box, and what happens to a packet inside.

import type { Family, Match, Rule, Target } from 'iptables-parser'
import { domain, type FieldName, fieldOf } from './field.ts'
import { FieldSets } from './field-sets.ts'
import type { Lane } from './lane.ts'
import { addressStep, interfaceStep } from './match/core.ts'
import { matchTranslators } from './match/registry.ts'
import { type MatchTranslator, Untranslatable, type UntranslatableOptions } from './match/translate.ts'
import { unreachable } from './match/transport.ts'
import { type PlainSets, plainMatches, plainSets } from './plain-sets.ts'
import type { Hook } from './program.ts'
import { targetTranslators } from './target/registry.ts'
import type { CountedHotdropStep, LeafTest, SetTest, Step } from './test.ts'
import { isOnce, setTerm, setTest } from './test.ts'
import { complement, type IntervalSet, intersect, single } from './tree/interval.ts'

export type Outcome =
  | { readonly kind: 'accept' | 'drop' | 'return' | 'continue' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  /** The packet is malformed for a match of the rule: dropped, and not counted. */
  | { readonly kind: 'hotdrop' }
  /** No rule's: the packet goes on behind the blocks that lie under this one, uncounted. */
  | { readonly kind: 'past' }

export interface Item {
  /** Index into the table of what counts. */
  readonly rule: number
  /** The packet's fields must lie in all of these. */
  readonly sets: ReadonlyMap<FieldName, IntervalSet>
  /** And satisfy all of these, which no tree can cut along. */
  readonly rest: readonly LeafTest[]
  readonly outcome: Outcome
}

/** No rule behind is looked at. */
export const isFinal = ({ outcome }: Item): boolean => outcome.kind !== 'continue' && outcome.kind !== 'jump'

/** Every packet meets it. */
export const asksNothing = ({ sets, rest }: Item): boolean => sets.size === 0 && rest.length === 0

/** No packet goes on behind it. */
export const endsAll = (item: Item): boolean =>
  asksNothing(item) && isFinal(item) && item.outcome.kind !== 'past'

/** It is final, and asking it of a packet that an earlier rule decides changes nothing. */
export const decides = (item: Item): boolean =>
  isFinal(item) && (item.rest.length === 0 || !item.rest.some(isOnce))

/** A rule that cannot be said here, and which part of it. */
export class RuleUntranslatable extends Error {
  override readonly name = 'RuleUntranslatable'
  readonly part: Match | Target | undefined

  readonly hint: string | undefined

  constructor({ message, hint }: Untranslatable, part?: Match | Target) {
    super(message)
    this.part = part
    this.hint = hint
  }
}

/** What has been asked of a packet so far, and what happens to it where all else holds too. */
interface Asked {
  readonly sets: FieldSets
  readonly rest: readonly LeafTest[]
  outcome(): Outcome
}

/** What items are made for: a rule, by its index among all that counts. */
interface Subject {
  readonly rule: Rule
  readonly index: number
  readonly family: Family
}

const NO_TESTS: readonly LeafTest[] = []

/** The items of a rule, in the order they are asked: those for each way it can find a packet malformed, then the rule itself unless it never matches. */
export function ruleItems(rule: Rule, index: number, lane: Lane, family: Family): Item[] {
  const plain = plainSets(rule, family)
  return plain
    ? plainItems(plain, index, outcomeOf(rule.target))
    : partlyPlainItems(rule, index, lane, family)
}

/** The same of a rule that plainSets says nothing of: of most it would without their last match or two. */
export function partlyPlainItems(rule: Rule, index: number, lane: Lane, family: Family): Item[] {
  const count = plainMatches(rule)
  const plain = plainSets(rule, family, rule.matches.slice(0, count))
  if (!plain) return itemsStepByStep(rule, index, lane, family)
  const outcome = (): Outcome => outcomeOf(rule.target)
  const behind = itemsBehind(
    stepsFrom(rule, count, lane, family),
    { sets: plain.matched, rest: NO_TESTS, outcome },
    { rule, index, family },
  )
  return plain.malformed.length === 0
    ? behind
    : [...plain.malformed.map(sets => hotdropItem(index, sets)), ...behind]
}

const hotdropItem = (rule: number, sets: FieldSets): Item => ({
  rule,
  sets,
  rest: NO_TESTS,
  outcome: outcomes.hotdrop,
})

export function plainItems({ malformed, matched }: PlainSets, rule: number, outcome: Outcome): Item[] {
  const items: Item[] = []
  addPlainItems(items, { malformed, matched }, rule, outcome)
  return items
}

/** Puts the same items behind others. */
export function addPlainItems(
  items: Item[],
  { malformed, matched }: PlainSets,
  rule: number,
  outcome: Outcome,
): void {
  for (let at = 0; at < malformed.length; at++) items.push(hotdropItem(rule, malformed[at] as FieldSets))
  items.push({ rule, sets: matched, rest: NO_TESTS, outcome })
}

/** The items of any rule, whatever it asks. */
export function itemsStepByStep(rule: Rule, index: number, lane: Lane, family: Family): Item[] {
  const outcome = (): Outcome => outcomeOf(rule.target)
  const steps = ruleSteps(rule, lane, family)
  return itemsBehind(steps, { sets: FieldSets.none, rest: NO_TESTS, outcome }, { rule, index, family })
}

function itemsBehind(steps: readonly Step[], asked: Asked, subject: Subject): Item[] {
  const { index, family } = subject
  const items: Item[] = []
  let { sets, rest } = asked
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at]
    if (!step) break
    const once = rest.some(isOnce)
    if (step.kind === 'hotdrop') {
      const within = narrow(sets, step.when, family)
      if (within) items.push({ rule: index, sets: within, rest, outcome: outcomes.hotdrop })
      if (!once) continue
      // the packets of this item must not come to the next one, where they would be asked once more
      const others = narrow(sets, inverse(step.when, family), family)
      if (!others) return items
      sets = others
    } else if (step.kind === 'counted hotdrop') {
      items.push(...countedItems(step, steps.slice(at + 1), { ...asked, sets, rest }, subject))
      const others = narrow(sets, inverse(step.when, family), family)
      if (!others) return items
      sets = others
    } else if (step.kind === 'nth') {
      rest = [...rest, { ...step, match: `${index}.${rest.length}` }]
    } else if (step.kind === 'set' && once) {
      // asked only now, so that packets it leaves out have been asked what stands before
      rest = [...rest, step]
    } else if (step.kind === 'set') {
      const narrower = narrow(sets, step, family)
      if (!narrower) return items
      sets = narrower
    } else if (step.kind === 'never') return items
    else rest = [...rest, step]
  }
  items.push({ rule: index, sets, rest, outcome: asked.outcome() })
  return items
}

/** The rule counts a malformed packet where all behind holds, and only drops it where not. */
function countedItems(
  { when }: CountedHotdropStep,
  behind: readonly Step[],
  asked: Asked,
  subject: Subject,
): Item[] {
  const sets = narrow(asked.sets, when, subject.family)
  if (!sets) return []
  const outcome = (): Outcome => {
    // a target that does more than decide would do it before the drop
    asked.outcome()
    return outcomes.drop
  }
  const counted = itemsBehind(behind, { ...asked, sets, outcome }, subject)
  if (behind.length === 0) return counted
  if (asked.rest.some(isOnce))
    throw new RuleUntranslatable(
      new Untranslatable('what only drops a malformed packet would ask anew what may be asked once', {
        hint: 'put -m statistic behind the negated match, or last the match that finds packets malformed',
      }),
    )
  return [...counted, { rule: subject.index, sets, rest: asked.rest, outcome: outcomes.hotdrop }]
}

const inverse = ({ field, set }: SetTest, family: Family): SetTest =>
  setTest(field, complement(set, domain(field, family)))

/** The sets with one more; undefined where nothing is left. A set of everything is not kept. */
export function narrow(sets: FieldSets, { field, set }: SetTest, family: Family): FieldSets | undefined {
  const before = sets.get(field)
  const narrowed = before ? intersect(before, set) : set
  const first = narrowed[0]
  if (!first) return undefined
  const all = domain(field, family)
  const everything = narrowed.length === 1 && first.low === all.low && first.end === all.end
  return everything ? sets : sets.with(field, narrowed)
}

/** In the order of ip_packet_match, then the matches as they stand in the rule. */
function ruleSteps(rule: Rule, lane: Lane, family: Family): Step[] {
  const steps = headerSteps(rule, family)
  for (const step of steps) known(step, lane)
  return [...steps, ...stepsFrom(rule, 0, lane, family)]
}

/** Of the matches from an index on. */
function stepsFrom({ matches }: Rule, first: number, lane: Lane, family: Family): readonly Step[] {
  if (first + 1 === matches.length) return matchSteps(matches[first] as Match, lane, family)
  return matches.slice(first).flatMap(match => matchSteps(match, lane, family))
}

/** What a rule asks without its matches. */
export function headerSteps(rule: Rule, family: Family): Step[] {
  const { source, destination, inInterface, outInterface, protocol, fragment } = rule
  const steps: Step[] = []
  if (source) steps.push(addressStep('saddr', source))
  if (destination) steps.push(addressStep('daddr', destination))
  if (inInterface) steps.push(interfaceStep('iif', inInterface, family))
  if (outInterface) steps.push(interfaceStep('oif', outInterface, family))
  // ip6_packet_match walks the extension headers only for rules that name a protocol, and drops where it cannot
  if (protocol && family === 6) steps.push({ kind: 'hotdrop', when: unreachable })
  if (protocol) steps.push(setTerm('protocol', family, single(protocol.value), protocol.negated))
  if (fragment) steps.push(setTerm('fragment', family, single(1), fragment.negated))
  return steps
}

function matchSteps(match: Match, lane: Lane, family: Family): readonly Step[] {
  const translate = matchTranslators[match.kind] as MatchTranslator<typeof match>
  try {
    const steps = translate(match, { family, hook: lane.hook })
    for (let at = 0; at < steps.length; at++) known(steps[at] as Step, lane)
    return steps
  } catch (error) {
    if (error instanceof Untranslatable) throw new RuleUntranslatable(error, match)
    throw error
  }
}

const hintFor = (hooks: readonly Hook[]): UntranslatableOptions =>
  hooks.includes('nf-input') ? { hint: 'the netfilter hook knows more: use --hook netfilter' } : {}

/** Throws where the hook does not know a field that a step asks for. */
function known(step: Step, { hook }: Lane): void {
  if (step.kind === 'hotdrop' || step.kind === 'counted hotdrop') knownField(step.when.field, hook)
  else if (step.kind === 'any') for (const { field } of step.tests) knownField(field, hook)
  else if (step.kind === 'set' || step.kind === 'mask') knownField(step.field, hook)
  else if (step.kind === 'cgroup') knownField('cgroup', hook)
  else if (step.kind === 'group') knownField('groups', hook)
}

function knownField(field: FieldName, hook: Hook): void {
  const { hooks, title } = fieldOf(field)
  if (hooks && !hooks.includes(hook))
    throw new Untranslatable(`the ${title} is not known at ${hook}`, hintFor(hooks))
}

const outcomes = {
  accept: { kind: 'accept' },
  drop: { kind: 'drop' },
  return: { kind: 'return' },
  continue: { kind: 'continue' },
  hotdrop: { kind: 'hotdrop' },
} as const satisfies Record<string, Outcome>

export function outcomeOf(target: Target | undefined): Outcome {
  if (!target) return outcomes.continue
  if (target.kind === 'jump' || target.kind === 'goto') return { kind: target.kind, chain: target.chain }
  const translate = targetTranslators[target.kind] as (
    target: Target,
  ) => 'accept' | 'drop' | 'return' | 'continue'
  try {
    return outcomes[translate(target)]
  } catch (error) {
    if (error instanceof Untranslatable) throw new RuleUntranslatable(error, target)
    throw error
  }
}
