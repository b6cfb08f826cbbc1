import type { Family } from 'iptables-parser'
import { addressOfType } from '../address-type-field.ts'
import { type Block, cutsIn, itemListsIn, keptIn } from '../chain.ts'
import { domain, type FieldName, headerSizes, transport } from '../field.ts'
import { FieldSets } from '../field-sets.ts'
import type { Item } from '../item.ts'
import type { Plan } from '../plan.ts'
import { isQuestionField, questionSources } from '../question.ts'
import { containsPoint, type IntervalSet, inclusive } from '../tree/interval.ts'

/** What a program asks of its prologue: the fields its rules look at, and the protocols whose transport headers they look into. */
export interface Needs {
  readonly fields: ReadonlySet<FieldName>
  readonly protocols: ReadonlySet<number>
}

/** Several programs may have one plan. */
const known = new WeakMap<Plan, Needs>()

export function needsOf(plan: Plan, family: Family): Needs {
  const needs = known.get(plan) ?? findNeeds(plan, family)
  known.set(plan, needs)
  return needs
}

function findNeeds({ chains }: Plan, family: Family): Needs {
  const asked = new Asked(family)
  chains.forEach(({ blocks, lists }) => {
    if (blocks.every(isLeaf))
      for (let at = 0; at < lists.length; at++) asked.addAll(lists[at] as readonly Item[])
    else for (const block of blocks) asked.addBlock(block)
  })
  return { fields: new Set([...asked.fields].flatMap(withSources)), protocols: asked.protocols }
}

/** Most blocks of thousands of chains are cut along no field. */
const isLeaf = (block: Block): boolean =>
  block.kind === 'always' || (block.kind === 'tree' && block.root.kind === 'leaf')

/** The protocols into whose transport headers items look. */
export function protocolsIn(items: readonly Item[], family: Family): ReadonlySet<number> {
  const asked = new Asked(family)
  asked.addAll(items)
  return asked.protocols
}

/** Where in a list of fields these two stand; -1 where they do not. */
interface Places {
  readonly transport: number
  readonly protocol: number
}

/** What items ask; most ask what others did. */
class Asked {
  readonly fields = new Set<FieldName>()
  readonly protocols = new Set<number>()
  readonly #family: Family
  /** Lists of fields that rules asked about. */
  readonly #lists = new Map<readonly FieldName[], Places>()
  readonly #extents = new Map<IntervalSet, Set<IntervalSet | undefined>>()

  constructor(family: Family) {
    this.#family = family
  }

  addBlock(block: Block): void {
    for (const field of cutsIn(block)) this.fields.add(field)
    for (const kept of keptIn(block)) for (const protocol of kept.protocols) this.protocols.add(protocol)
    for (const items of itemListsIn(block)) this.addAll(items)
  }

  addAll(items: readonly Item[]): void {
    for (let at = 0; at < items.length; at++) {
      const item = items[at]
      if (item) this.#add(item)
    }
  }

  #add(item: Item): void {
    const sets = FieldSets.of(item.sets)
    const { names } = sets
    const known = this.#lists.get(names)
    const places = known ?? { transport: names.indexOf('transport'), protocol: names.indexOf('protocol') }
    const asksMore = item.rest.length > 0
    if (asksMore || !known) addFields(this.fields, item)
    if (!known) this.#lists.set(names, places)
    if (asksMore || (places.transport >= 0 && this.#isNew(sets, places)))
      for (const protocol of protocolsOf(item, this.#family)) this.protocols.add(protocol)
  }

  /** Whether no item before asked for the same transport headers and protocols. Most sets of them are one object for all rules. */
  #isNew(sets: FieldSets, places: Places): boolean {
    const transport = sets.at(places.transport)
    const protocol = places.protocol < 0 ? undefined : sets.at(places.protocol)
    const protocols = this.#extents.get(transport)
    if (protocols?.has(protocol)) return false
    if (protocols) protocols.add(protocol)
    else this.#extents.set(transport, new Set([protocol]))
    return true
  }
}

/** A field, and those it is found by. */
function withSources(field: FieldName): FieldName[] {
  if (isQuestionField(field)) return [field, ...questionSources(field)]
  const address = addressOfType(field)
  return address ? [field, address] : [field]
}

/** Adds the fields that an item looks at. */
export function addFields(fields: { add(field: FieldName): unknown }, { sets, rest }: Item): void {
  for (const field of sets.keys()) fields.add(field)
  for (const test of rest)
    if (test.kind === 'any') for (const { field } of test.tests) fields.add(field)
    else if (test.kind === 'set' || test.kind === 'mask') fields.add(test.field)
    else if (test.kind === 'cgroup') fields.add('cgroup')
    else if (test.kind === 'group') for (const field of ['gid', 'groups'] as const) fields.add(field)
}

/** Extents that depend on how long the header of the packet's protocol is. */
const measured = inclusive(transport.whole, transport.short)
const measuredProtocols = Object.keys(headerSizes).map(Number)

const isMeasured = (set: IntervalSet): boolean =>
  set.some(({ low, end }) => measured.some(range => low < range.end && end > range.low))

/** Protocols that the item can be about, if it asks how much of the transport header there is. Where a block is split by that, the items that hotdrop still ask. */
function protocolsOf({ sets, rest }: Item, family: Family): readonly number[] {
  if (rest.length === 0 && !sets.has('transport')) return []
  const later = rest.flatMap(test => (test.kind === 'set' && test.field === 'transport' ? [test.set] : []))
  const asked = [sets.get('transport') ?? [], ...later]
  if (!asked.some(isMeasured)) return []
  const set = sets.get('protocol') ?? [domain('protocol', family)]
  return measuredProtocols.filter(protocol => containsPoint(set, protocol))
}
