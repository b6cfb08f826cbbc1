// Resolves jumps to offsets. The `off` field of a jump is 16 bits wide, so in a large function some jumps do not
// reach; those are sent through islands:
//
//        …                         An island holds one unconditional jump (an entry) per far target, shared by all
//        goto accept               jumps in its neighbourhood. It stands where control cannot fall into it: behind
//     island:                      an unconditional jump or an exit. Where there is no such place for long, a jump
//        goto drop    <-- entry    over the island makes one.
//        goto accept  <-- entry
//     next:                        With `gotol` an entry reaches every target. With `trampoline` it reaches as far
//        …                         as any jump, and leads to the entry of a farther island if need be.
//
// Entries take room, which can put further jumps out of reach: so passes are repeated until one adds no entry.
// Entries are only ever added, hence the end. What no jump uses any more at the end is left out again, because the
// verifier refuses instructions that cannot be reached; that only brings the rest closer together.

import { AssemblyError } from './error.ts'
import type { Instruction } from './instruction.ts'
import type { Jump } from './jump.ts'
import type { Label } from './label.ts'
import { EXIT, GOTOL, JA, slotsOf } from './opcode.ts'
import { r0 } from './register.ts'

/** How jumps are made that are too far for one instruction. */
export interface JumpOptions {
  /** `gotol`: unconditional jumps of 32 bits (Linux 6.6); `trampoline`: chains of 16-bit jumps, for every kernel. */
  readonly farJumps: 'gotol' | 'trampoline'
  /** As many slots as a jump of 16 bits may span, in either direction. */
  readonly reach: number
}

/** Offsets have 16 bits, but the verifier puts a few instructions in the place of each look-up, which a jump may lead across. */
export const plainJumps: JumpOptions = { farJumps: 'gotol', reach: 0x7800 }

/**
 * For kernels before 6.6, and those that blind constants (net.core.bpf_jit_harden): there one instruction becomes up to four after its
 * jumps were checked, and a jump that reaches no more makes the JIT give up.
 */
export const cautiousJumps: JumpOptions = { farJumps: 'trampoline', reach: 0x7fff >> 2 }

type Statement = Instruction | Jump

/** How a jump gets to its target: the index of an island, or one of these two. */
type Route = number
const DIRECT = -1
const GOTOL_DIRECT = -2

/** An island stands before the statement `at`. */
interface Island {
  readonly at: number
  /** Control would fall into the island: it begins with a jump over itself. */
  readonly forced: boolean
  /** By the statement a target label stands at: the entry's place in the island. */
  readonly entries: Map<number, number>
  /** By the same: how the entry itself goes on. */
  readonly routes: Map<number, Route>
}

interface Layout {
  readonly islands: readonly Island[]
  /** The slot of every statement, and behind the last one the number of slots. */
  readonly slots: Int32Array
  /** The slot of each island's first entry. */
  readonly entrySlots: Int32Array
}

interface Program {
  readonly statements: readonly Statement[]
  /** Statements that are jumps, ascending. */
  readonly jumps: readonly number[]
  /** Of each of these, the statement it goes to. */
  readonly targets: Int32Array
  readonly options: JumpOptions
}

const reaches = ({ reach }: JumpOptions, from: number, to: number): boolean =>
  to - from - 1 >= ~reach && to - from - 1 <= reach

const islandSlots = (island: Island): number =>
  island.entries.size === 0 ? 0 : island.entries.size + Number(island.forced)

const layOut = (statements: readonly Statement[], islands: readonly Island[]): Layout => {
  const slots = new Int32Array(statements.length + 1)
  const entrySlots = new Int32Array(islands.length)
  let slot = 0
  let next = 0
  for (let index = 0; index < statements.length; index++) {
    const statement = statements[index] as Statement
    const island = islands[next]
    if (island?.at === index) {
      entrySlots[next++] = slot + Number(island.forced)
      slot += islandSlots(island)
    }
    slots[index] = slot
    slot += slotsOf(statement.opcode)
  }
  slots[statements.length] = slot
  return { islands, slots, entrySlots }
}

const slotAt = (slots: Int32Array, index: number): number => slots[index] as number

const endsFlow = (opcode: number | undefined): boolean => opcode === JA || opcode === EXIT || opcode === GOTOL

/** Sites for islands, at most `spacing` slots apart; empty islands take no room. */
const chooseSites = (statements: readonly Statement[], slots: Int32Array, spacing: number): Island[] => {
  const islands: Island[] = []
  let last = 0
  let natural = 0
  for (let index = 1; index < statements.length; index++) {
    const distance = slotAt(slots, index) - last
    if (distance >= spacing / 2 && endsFlow(statements[index - 1]?.opcode)) natural = index
    if (distance < spacing - 1) continue
    const at = natural || index
    islands.push({ at, forced: natural === 0, entries: new Map(), routes: new Map() })
    last = slotAt(slots, at)
    natural = 0
  }
  return islands
}

/** Where in the island the jump to `target` stands, or would stand if it were added. */
const entrySlot = (layout: Layout, index: number, target: number): number => {
  const entries = layout.islands[index]?.entries
  return slotAt(layout.entrySlots, index) + (entries?.get(target) ?? entries?.size ?? 0)
}

/** The island farthest on the way to the target that a jump at slot `from` reaches; `next` is the first on the way. */
const farthestIsland = (
  { options }: Program,
  layout: Layout,
  from: number,
  target: number,
  next: number,
  step: 1 | -1,
): Route => {
  let best: Route | undefined
  for (let index = next; ; index += step) {
    const island = layout.islands[index]
    if (!island || (step === 1 ? island.at > target : island.at <= target)) break
    if (!reaches(options, from, entrySlot(layout, index, target))) break
    best = index
  }
  if (best === undefined)
    throw new AssemblyError(
      'ERR_ASM_FAR_JUMP',
      `no way for the jump in slot ${from} to slot ${slotAt(layout.slots, target)}`,
    )
  return best
}

/** Choose routes for all jumps and entries, adding the entries they need. Whether any had to be added. */
const routeAll = (program: Program, layout: Layout, routes: Int32Array): boolean => {
  const { islands, slots } = layout
  let added = false
  const route = (
    from: number,
    target: number,
    conditional: boolean,
    before: number,
    after: number,
  ): Route => {
    const to = slotAt(slots, target)
    if (reaches(program.options, from, to)) return DIRECT
    if (program.options.farJumps === 'gotol' && !conditional) return GOTOL_DIRECT
    const found =
      to > from
        ? farthestIsland(program, layout, from, target, after, 1)
        : farthestIsland(program, layout, from, target, before, -1)
    const entries = islands[found]?.entries
    if (entries && !entries.has(target)) {
      entries.set(target, entries.size)
      added = true
    }
    return found
  }
  let next = 0
  for (const [order, index] of program.jumps.entries()) {
    while ((islands[next]?.at ?? Number.POSITIVE_INFINITY) <= index) next++
    const conditional = program.statements[index]?.opcode !== JA
    routes[order] = route(slotAt(slots, index), slotAt(program.targets, order), conditional, next - 1, next)
  }
  for (const [index, island] of islands.entries())
    for (const target of island.entries.keys())
      island.routes.set(target, route(entrySlot(layout, index, target), target, false, index - 1, index + 1))
  return added
}

/**
 * The islands with those entries only that some jump is routed to, if through other islands. The entries keep their
 * order: so no two of them are farther apart than before.
 */
const dropUnused = (program: Program, islands: readonly Island[], routes: Int32Array): Island[] => {
  const used = islands.map(() => new Set<number>())
  const follow = (first: Route, target: number): void => {
    for (let route = first; route >= 0; route = islands[route]?.routes.get(target) ?? DIRECT) {
      if (used[route]?.has(target)) return
      used[route]?.add(target)
    }
  }
  for (const [order, target] of program.targets.entries()) follow(slotAt(routes, order), target)
  return islands.map((island, index) => {
    const kept = [...island.entries.keys()].filter(target => used[index]?.has(target))
    return { ...island, entries: new Map(kept.map((target, entry) => [target, entry])) }
  })
}

/** Repeat routing until it fits; islands too full to reach over are tried closer to one another. */
const relax = (
  program: Program,
  slots: Int32Array,
  spacing: number,
): { layout: Layout; routes: Int32Array } => {
  const routes = new Int32Array(program.jumps.length).fill(DIRECT)
  const islands = chooseSites(program.statements, slots, spacing)
  try {
    let layout: Layout
    do layout = layOut(program.statements, islands)
    while (routeAll(program, layout, routes))
    return { layout: layOut(program.statements, dropUnused(program, islands, routes)), routes }
  } catch (error) {
    if (error instanceof AssemblyError && spacing > 1024) return relax(program, slots, spacing / 2)
    throw error
  }
}

/** Fill in how far a jump at slot `from` goes. */
const withDistance = (statement: Instruction, from: number, to: number, route: Route): Instruction =>
  route === GOTOL_DIRECT
    ? { ...statement, opcode: GOTOL, immediate: to - from - 1 }
    : { ...statement, offset: to - from - 1 }

/** The instructions of an island at its place; `names` are those of labels by statement. */
const islandInstructions = (
  layout: Layout,
  index: number,
  names: ReadonlyMap<number, string>,
): Instruction[] => {
  const island = layout.islands[index]
  if (!island || island.entries.size === 0) return []
  const ja: Instruction = { opcode: JA, dst: r0, src: r0, offset: 0, immediate: 0 }
  const over = island.forced
    ? [{ ...ja, offset: island.entries.size, origin: { comment: 'over the island' } }]
    : []
  const entries = [...island.entries.keys()].map((target): Instruction => {
    const name = names.get(target) ?? 'target'
    const route = island.routes.get(target) ?? DIRECT
    const to = route >= 0 ? entrySlot(layout, route, target) : slotAt(layout.slots, target)
    const entry: Instruction = {
      ...ja,
      label: `${name}@${index + 1}`,
      origin: { comment: `on the way to ${name}` },
    }
    return withDistance(entry, entrySlot(layout, index, target), to, route)
  })
  return [...over, ...entries]
}

const withoutTarget = ({ target: _, ...instruction }: Jump): Instruction => instruction

const emitAll = (
  program: Program,
  layout: Layout,
  routes: Int32Array,
  names: ReadonlyMap<number, string>,
): Instruction[] => {
  const instructions: Instruction[] = []
  let order = 0
  let nextIsland = 0
  const { statements } = program
  for (let index = 0; index < statements.length; index++) {
    const statement = statements[index] as Statement
    if (layout.islands[nextIsland]?.at === index)
      instructions.push(...islandInstructions(layout, nextIsland++, names))
    const label = names.get(index)
    const labelled = label === undefined ? statement : { ...statement, label }
    if (!('target' in labelled)) {
      instructions.push(labelled)
      continue
    }
    const target = slotAt(program.targets, order)
    const route = slotAt(routes, order++)
    const to = route >= 0 ? entrySlot(layout, route, target) : slotAt(layout.slots, target)
    instructions.push(withDistance(withoutTarget(labelled), slotAt(layout.slots, index), to, route))
  }
  return instructions
}

const collectJumps = (
  statements: readonly Statement[],
  places: ReadonlyMap<Label, number>,
  options: JumpOptions,
): Program => {
  const jumps: number[] = []
  const targets: number[] = []
  for (let index = 0; index < statements.length; index++) {
    const statement = statements[index] as Statement
    if (!('target' in statement)) continue
    const target = places.get(statement.target)
    if (target === undefined || target >= statements.length)
      throw new AssemblyError('ERR_ASM_LABEL', `label ${statement.target.name} stands at no instruction`)
    jumps.push(index)
    targets.push(target)
  }
  return { statements, jumps, targets: Int32Array.from(targets), options }
}

/** Names of the labels that jumps go to, by statement; of several at one statement the first. */
const targetNames = (
  statements: readonly Statement[],
  places: ReadonlyMap<Label, number>,
): Map<number, string> => {
  const names = new Map<number, string>()
  for (const statement of statements) {
    if (!('target' in statement)) continue
    const place = places.get(statement.target)
    if (place !== undefined && !names.has(place)) names.set(place, statement.target.name)
  }
  return names
}

/**
 * Replace the labels of jumps by offsets. `places` gives for every label the statement it stands before.
 * Takes time in proportion to the statements, times the passes that far jumps need (rarely more than four).
 */
export const resolveJumps = (
  statements: readonly Statement[],
  places: ReadonlyMap<Label, number>,
  options: JumpOptions,
): Instruction[] => {
  const program = collectJumps(statements, places, options)
  const names = targetNames(statements, places)
  const plain = layOut(statements, [])
  const near = program.jumps.every((index, order) =>
    reaches(options, slotAt(plain.slots, index), slotAt(plain.slots, slotAt(program.targets, order))),
  )
  if (near) return emitAll(program, plain, new Int32Array(program.jumps.length).fill(DIRECT), names)
  const { layout, routes } = relax(program, plain.slots, (options.reach + 1) / 2)
  return emitAll(program, layout, routes, names)
}
