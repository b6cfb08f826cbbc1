// Rules as a program sees them that only drops early, in front of the programs that decide. It takes a packet where all that the rules ask of it up to
// the drop is certain; every other packet it leaves, uncounted, and so to be undecided is here the same as to be accepted. A rule asks in
// parts: where those that are known hold and another is not known, the packet is undecided.

import type { Family, Rule } from 'iptables-parser'
import { type Block, itemListsIn } from './chain.ts'
import { ctstate, type FieldName } from './field.ts'
import { FieldSets } from './field-sets.ts'
import {
  asksNothing,
  headerSteps,
  type Item,
  narrow,
  type Outcome,
  outcomeOf,
  plainItems,
  RuleUntranslatable,
} from './item.ts'
import { type EarlyLane, firstTable } from './lane.ts'
import { matchTranslators } from './match/registry.ts'
import { type MatchTranslator, Untranslatable } from './match/translate.ts'
import { plainSets } from './plain-sets.ts'
import type { Plan } from './plan.ts'
import type { AnyTest, HotdropStep, LeafTest, MaskTest, NeverTest, SetTest, Step } from './test.ts'
import { containsPoint, type IntervalSet } from './tree/interval.ts'

/** What a packet says of itself, which stays as it is on its way to the filter table. How often a rule was met, chance, time and what others attach to the packet do not. */
const lasting: ReadonlySet<FieldName> = new Set<FieldName>([
  'saddr',
  'daddr',
  'protocol',
  'fragment',
  'ttl',
  'tos',
  'transport',
  'sport',
  'dport',
  'icmp-type',
  'icmp-code',
  'tcp-flags',
  'ecn-flags',
  'tcp-options',
  'tcp-options-0',
  'tcp-options-1',
  'tcp-options-2',
  'tcp-options-3',
  'tcp-options-4',
  'tcp-options-5',
  'tcp-options-6',
  'tcp-options-7',
  'mss',
  'dccp-type',
  'spi',
  'iif',
  'iif-group',
  'oif',
  'mac',
  'packet-type',
])

/** Whether a field means the same there and later. At xdp, segments may still be put together, so their length is not yet the packet's. */
const isKnown = (field: FieldName, { hook }: EarlyLane): boolean =>
  lasting.has(field) || (field === 'length' && hook === 'tc-ingress')

/** A question that changes what the next packet is told is `opaque`: the packet must come to it, whatever the rule asks behind it. */
type Answer = PureStep | 'unknown' | 'opaque'
type PureStep = SetTest | MaskTest | AnyTest | NeverTest | HotdropStep

const NO_TESTS: readonly LeafTest[] = []

/** The items of a rule that is asked early, in the order of ruleItems. */
export function earlyItems(rule: Rule, index: number, lane: EarlyLane, family: Family): Item[] {
  // what plain rules ask about is known early, all of it
  const plain = plainSets(rule, family)
  return plain
    ? plainItems(plain, index, earlyOutcome(rule))
    : earlyItemsStepByStep(rule, index, lane, family)
}

/** The items of any rule that is asked early, whatever it asks. */
export function earlyItemsStepByStep(rule: Rule, index: number, lane: EarlyLane, family: Family): Item[] {
  const items: Item[] = []
  let sets = FieldSets.none
  let rest = NO_TESTS
  let certain = true
  for (const step of answers(rule, lane, family)) {
    if (step === 'opaque') return [...items, { rule: index, sets, rest, outcome: undecided }]
    if (step === 'unknown') certain = false
    else if (step.kind === 'hotdrop') {
      const within = narrow(sets, step.when, family)
      const outcome = { kind: certain ? 'hotdrop' : 'accept' } as const
      if (within) items.push({ rule: index, sets: within, rest, outcome })
    } else if (step.kind === 'set') {
      const narrower = narrow(sets, step, family)
      if (!narrower) return items
      sets = narrower
    } else if (step.kind === 'never') return items
    else rest = [...rest, step]
  }
  const outcome: Outcome = certain ? earlyOutcome(rule) : undecided
  return [...items, { rule: index, sets, rest, outcome }]
}

const undecided = { kind: 'accept' } as const

/** What a target does besides deciding is done later. */
function earlyOutcome(rule: Rule): Outcome {
  try {
    const outcome = outcomeOf(rule.target)
    return decidable.has(outcome.kind) ? outcome : undecided
  } catch (error) {
    if (error instanceof RuleUntranslatable) return undecided
    throw error
  }
}

const decidable: ReadonlySet<Outcome['kind']> = new Set<Outcome['kind']>([
  'drop',
  'return',
  'continue',
  'jump',
  'goto',
])

function answers(rule: Rule, lane: EarlyLane, family: Family): Answer[] {
  const steps = rule.matches.flatMap((match): readonly (Step | 'opaque')[] => {
    const translate = matchTranslators[match.kind] as MatchTranslator<typeof match>
    try {
      return translate(match, { family, hook: lane.hook })
    } catch (error) {
      if (error instanceof Untranslatable) return ['opaque']
      throw error
    }
  })
  // in front of raw no packet belongs to a connection yet; what it is to rules then is theirs to find out
  const tracked = lane.conntrack && firstTable(lane, family) === 'filter'
  return [...headerSteps(rule, family), ...steps].flatMap(step => answer(step, lane, tracked))
}

/** The fields that a question is about. */
function askedFields(step: PureStep): readonly FieldName[] {
  if (step.kind === 'hotdrop') return [step.when.field]
  if (step.kind === 'any') return step.tests.map(({ field }) => field)
  return step.kind === 'never' ? [] : [step.field]
}

const isPure = (step: Step): step is PureStep => pureKinds.has(step.kind)
const pureKinds: ReadonlySet<string> = new Set<PureStep['kind']>(['set', 'mask', 'any', 'never', 'hotdrop'])

function answer(step: Step | 'opaque', lane: EarlyLane, tracked: boolean): Answer[] {
  if (step === 'opaque' || !isPure(step)) return ['opaque']
  if (step.kind === 'set' && step.field === 'ctstate' && tracked) return withoutConnection(step.set)
  return [askedFields(step).every(field => isKnown(field, lane)) ? step : 'unknown']
}

/** A drop is certain only where the packet belongs to no connection (see hook/certain.ts): then its state is NEW or INVALID. */
function withoutConnection(set: IntervalSet): Answer[] {
  const possible = [ctstate.INVALID, ctstate.NEW].filter(state => containsPoint(set, state))
  if (possible.length === 0) return [{ kind: 'never' }]
  return possible.length === 2 ? [] : ['unknown']
}

/** How a chain ends for packets that nothing in it is undecided about: some may be dropped, none gets to its end, or neither. */
type End = 'drops' | 'closed' | 'open'

/** Whether a plan made of earlyItems drops packets that are not malformed. */
export function canDrop({ base, chains }: Plan, policy: 'accept' | 'drop'): boolean {
  const seen = new Map<string, End>()
  const endOf = (name: string, blocks: readonly Block[]): End => {
    const known = seen.get(name)
    if (known) return known
    seen.set(name, 'open')
    let end: End = 'open'
    for (let at = 0; at < blocks.length && end === 'open'; at++)
      end = endOfItems(itemListsIn(blocks[at] as Block))
    seen.set(name, end)
    return end
  }
  const endOfItems = (lists: readonly (readonly Item[])[]): End => {
    for (const items of lists) if (items.some(isDrop)) return 'drops'
    let end: End = 'open'
    for (const items of lists)
      for (let at = 0; at < items.length; at++) {
        const item = items[at] as Item
        const { outcome } = item
        const own =
          'chain' in outcome ? endOf(outcome.chain, chains.get(outcome.chain)?.blocks ?? []) : 'open'
        if (own === 'drops') return own
        if ((own === 'closed' || outcome.kind === 'accept') && asksNothing(item)) end = 'closed'
      }
    return end
  }
  const end = endOf(base.name, base.blocks)
  return end === 'drops' || (end === 'open' && policy === 'drop')
}

const isDrop = ({ outcome }: Item): boolean => outcome.kind === 'drop'

/** How many of its rules drop packets, where they are asked. */
export function certainDrops({ chains }: Plan): number {
  const rules = new Set<number>()
  chains.forEach(({ lists }) => {
    for (let list = 0; list < lists.length; list++) addDrops(rules, lists[list] as readonly Item[])
  })
  return rules.size
}

function addDrops(rules: Set<number>, items: readonly Item[]): void {
  for (let at = 0; at < items.length; at++) {
    const item = items[at] as Item
    if (isDrop(item)) rules.add(item.rule)
  }
}
