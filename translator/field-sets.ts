// What a rule asks of fields, as a map that never changes. There are as many of these as rules, and most rules ask about the same few
// fields in the same order: those share the list of them.

import type { FieldName } from './field.ts'
import { type IntervalSet, isSame } from './tree/interval.ts'

/** Fields in an order, and the lists that are longer by one. */
interface FieldList {
  readonly names: readonly FieldName[]
  /** Their indices, in alphabetical order of the fields. */
  readonly inOrder: readonly number[]
  readonly longer: Map<FieldName, FieldList>
  /** Those that are shorter by one. */
  readonly shorter: Map<FieldName, FieldList>
}

const NO_FIELDS: FieldList = { names: [], inOrder: [], longer: new Map(), shorter: new Map() }

function longer(fields: FieldList, field: FieldName): FieldList {
  const known = fields.longer.get(field)
  if (known) return known
  const names = [...fields.names, field]
  const added = { names, inOrder: orderOf(names), longer: new Map(), shorter: new Map() }
  fields.longer.set(field, added)
  return added
}

const orderOf = (names: readonly FieldName[]): readonly number[] =>
  names.toSorted().map(name => names.indexOf(name))

function shorter(fields: FieldList, field: FieldName): FieldList {
  const known = fields.shorter.get(field)
  if (known) return known
  const left = fields.names.filter(name => name !== field).reduce(longer, NO_FIELDS)
  fields.shorter.set(field, left)
  return left
}

export class FieldSets implements ReadonlyMap<FieldName, IntervalSet> {
  readonly #fields: FieldList
  readonly #sets: readonly IntervalSet[]

  private constructor(fields: FieldList, sets: readonly IntervalSet[]) {
    this.#fields = fields
    this.#sets = sets
  }

  /** Asks nothing. */
  static readonly none = new FieldSets(NO_FIELDS, [])

  /** Makes what asks about fields in an order, one set for each. None is of everything, and none is empty. */
  static maker(names: readonly FieldName[]): (sets: readonly IntervalSet[]) => FieldSets {
    const fields = names.reduce(longer, NO_FIELDS)
    return sets => new FieldSets(fields, sets)
  }

  /** What a map asks, as one of these. */
  static of(sets: ReadonlyMap<FieldName, IntervalSet>): FieldSets {
    if (sets instanceof FieldSets) return sets
    let all = FieldSets.none
    for (const [field, set] of sets) all = all.with(field, set)
    return all
  }

  /** The same with a field's set put in, or in the place of the one it had. */
  with(field: FieldName, set: IntervalSet): FieldSets {
    const at = this.#fields.names.indexOf(field)
    if (at >= 0) return new FieldSets(this.#fields, this.#sets.with(at, set))
    // spread, it would have room for more sets, which a hundred thousand rules have no use for; to call for a copy takes longer than to make one
    const sets = new Array<IntervalSet>(this.#sets.length + 1)
    for (let other = 0; other < this.#sets.length; other++) sets[other] = this.at(other)
    sets[this.#sets.length] = set
    return new FieldSets(longer(this.#fields, field), sets)
  }

  /** The same without a field. */
  without(field: FieldName): FieldSets {
    const at = this.#fields.names.indexOf(field)
    if (at < 0) return this
    const sets = new Array<IntervalSet>(this.#sets.length - 1)
    for (let other = 0; other < sets.length; other++) sets[other] = this.at(other < at ? other : other + 1)
    return new FieldSets(shorter(this.#fields, field), sets)
  }

  /** The fields; one object for all that ask about the same fields in the same order. */
  get names(): readonly FieldName[] {
    return this.#fields.names
  }

  /** The indices of `names`, in alphabetical order of the fields. */
  get inOrder(): readonly number[] {
    return this.#fields.inOrder
  }

  /** The set of the field at an index of `names`. */
  at(index: number): IntervalSet {
    return this.#sets[index] ?? []
  }

  /** Whether another asks the same in the same order. */
  isSame(other: FieldSets): boolean {
    return this.#fields === other.#fields && this.#sets.every((set, at) => isSame(set, other.#sets[at]))
  }

  get size(): number {
    return this.#sets.length
  }

  /** How many boxes it is: one for each way to take an interval of every set. */
  get boxes(): number {
    let boxes = 1
    // by index: it is asked of all items, and an iterator makes an object for each
    for (let at = 0; at < this.#sets.length; at++) boxes *= this.at(at).length
    return boxes
  }

  get(field: FieldName): IntervalSet | undefined {
    return this.#sets[this.#fields.names.indexOf(field)]
  }

  has(field: FieldName): boolean {
    return this.#fields.names.includes(field)
  }

  keys(): ArrayIterator<FieldName> {
    return this.#fields.names.values()
  }

  values(): ArrayIterator<IntervalSet> {
    return this.#sets.values()
  }

  entries(): ArrayIterator<[FieldName, IntervalSet]> {
    return this.#sets.map((set, at): [FieldName, IntervalSet] => [this.#nameAt(at), set]).values()
  }

  [Symbol.iterator](): ArrayIterator<[FieldName, IntervalSet]> {
    return this.entries()
  }

  forEach(
    visit: (set: IntervalSet, field: FieldName, map: ReadonlyMap<FieldName, IntervalSet>) => void,
  ): void {
    for (const [at, set] of this.#sets.entries()) visit(set, this.#nameAt(at), this)
  }

  #nameAt(at: number): FieldName {
    const name = this.#fields.names[at]
    if (name === undefined) throw new RangeError(`there is no field ${at}`)
    return name
  }
}
