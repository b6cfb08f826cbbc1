// The index of a generation: from its rules and from what was translated and loaded of them.

import { type Family, printRule, type Rule, type Ruleset, type Table, writtenRule } from 'iptables-parser'
import { type EditableBlock, type EditableLane, editableLanes } from '../../../translator/edit/block.ts'
import { type ChainCode, chainCodeOf } from '../../../translator/edit/chain-code.ts'
import { type Stretch, stretchesOf, treesKept, walksKept } from '../../../translator/edit/kept.ts'
import { dispatchKey, keyLayout } from '../../../translator/emit/key.ts'
import { mapNames } from '../../../translator/emit/look-up.ts'
import { laneName } from '../../../translator/lane.ts'
import type { Translated } from '../../../translator/translate.ts'
import { close, mapById, mapInfoOf, programMapIds } from '../../kernel/sys/object.ts'
import type { Generation } from '../generation.ts'
import type { OpenLane } from '../programs.ts'
import type { Description } from '../swap.ts'
import { chainTable } from './chain-table.ts'
import { heldRules } from './held.ts'
import { holderOf } from './holder.ts'
import type { IndexedBlock, IndexedFamily, IndexedLane, IndexedStretch } from './index-file.ts'
import { nameList } from './name-list.ts'
import { reachesOf, reachSize, writeReach } from './reach.ts'
import type { EditState } from './state.ts'

export interface Described {
  readonly generation: Generation
  readonly rulesets: readonly Ruleset[]
  readonly translation: Translated
  /** What is in force, whose programs may serve this generation too. */
  readonly before: EditState | undefined
  /** Slots that packets on their way may still count in. */
  readonly resting: readonly number[]
}

/** The index, once all programs of the generation are loaded; undefined where one that goes on was loaded without one, or a name is none to search for. */
export function describeGeneration(described: Described): Description {
  const { generation, rulesets, translation, before, resting } = described
  const { number, namespace, hook, devices, conntrack, counterArrays } = generation
  const slots = generation.rulesets.flatMap(saved => saved.slots)
  const numbers = numbersOf(rulesets)
  const numberOf = (rule: number): number => numbers[rule] ?? 0
  if (!rulesets.every(hasPlainNames)) return () => undefined
  const lanes = generation.lanes.flatMap(at => {
    const translated = translation.programs.filter(({ lane }) => laneName(lane) === laneName(at))
    return translated.length > 0
      ? translated.flatMap(one =>
          editableLanes(one, { first: numberOf, last: numberOf }).map(lane => {
            const stretches = stretchesOf(one, lane.family, numberOf)
            return indexLane(lane, stretches, chainCodeOf(one, lane.family), slots)
          }),
        )
      : before && goingOn(before, { lane: at })?.map(indexed => ({ indexed }))
  })
  if (lanes.includes(undefined)) return () => undefined
  const known: KnownLane[] = lanes.flatMap(lane => lane ?? [])
  const policies = slots.filter((_, index) => numbers[index] === 0)
  const index = {
    generation: number,
    carriedOut: 0,
    namespace,
    hook,
    devices,
    conntrack,
    arrays: counterArrays,
    families: indexFamilies(rulesets, slots, chainsWithKept(known.map(({ indexed }) => indexed))),
    taken: Uint32Array.from([...policies, ...resting]),
  }
  return programs => ({ ...index, lanes: known.map(lane => withMaps(lane, programs)) })
}

const hasPlainNames = ({ tables }: Ruleset): boolean =>
  tables.every(({ chains }) => chains.every(({ name }) => !name.includes('\n')))

/** Of all that counts, in order: the number of a rule in its chain, and 0 for a policy. */
function numbersOf(rulesets: readonly Ruleset[]): readonly number[] {
  const numbers: number[] = []
  for (const { tables } of rulesets)
    for (const { chains } of tables)
      for (const { policy, rules } of chains) {
        if (policy) numbers.push(0)
        for (let number = 1; number <= rules.length; number++) numbers.push(number)
      }
  return numbers
}

/** What is known of a program that was translated for a generation before; undefined where nothing is. */
export function goingOn(
  { index, chainsIn, stretches }: EditState,
  { lane }: Pick<OpenLane, 'lane'>,
): IndexedLane[] | undefined {
  const known = [...index.lanes.entries()].filter(([, indexed]) => laneName(indexed.lane) === laneName(lane))
  if (known.length === 0) return undefined
  return known.map(([at, indexed]) => ({
    ...indexed,
    chains: chainsIn(at),
    stretches: new Map(
      [...indexed.stretches.keys()].map(chain => [chain, stretches(at, { ...indexed, chain })] as const),
    ),
  }))
}

/** What is known of a lane before its program is loaded. */
interface KnownLane {
  readonly indexed: IndexedLane
  /** The names of the maps to be found in its program; none where they are known. */
  readonly named?: ReadonlySet<string>
}

function indexLane(
  lane: EditableLane,
  stretches: ReadonlyMap<string, readonly Stretch[]>,
  code: ChainCode | undefined,
  slots: readonly number[],
): KnownLane {
  const { chains, family } = lane
  const editable = chains.filter(({ blocks }) => blocks.length > 0)
  const named = namesOfMaps(
    editable.flatMap(({ blocks }) => blocks),
    [...stretches.values()].flat(),
    code,
  )
  const indexed = {
    ...lane,
    ...(code && { code }),
    names: nameList(chains.map(({ name }) => name)),
    chains: new Map(
      editable.map(({ name, blocks }) => [name, blocks.map(block => indexBlock(block, family, slots))]),
    ),
    stretches: indexStretches(stretches),
    maps: new Map(),
  }
  return { indexed, named }
}

function withMaps({ indexed, named }: KnownLane, programs: readonly OpenLane[]): IndexedLane {
  if (named === undefined) return indexed
  const program = programs.find(({ lane }) => laneName(lane) === laneName(indexed.lane))
  const maps = program && named.size > 0 ? mapIds(program.fd, named) : new Map()
  return onlyLoaded({ ...indexed, maps })
}

/** Without what has maps or functions that the program does not, since no packet comes to its code. */
export function onlyLoaded({ code, ...lane }: IndexedLane): IndexedLane {
  const isThere = (...names: Parameters<typeof namesOfMaps>): boolean =>
    [...namesOfMaps(...names)].every(name => lane.maps.has(name))
  const own = code && isThere([], [], code) ? code : undefined
  const functions = new Set(own?.functions.map(({ name }) => name))
  const goesOn = ({ blocks }: IndexedStretch): boolean =>
    treesKept(blocks).every(({ map }) => lane.maps.has(map)) &&
    walksKept(blocks).every(({ walk }) => functions.has(walk))
  const areThere = (blocks: readonly IndexedBlock[]): readonly IndexedBlock[] => {
    const gone = blocks.filter(block => !isThere([block], []))
    return blocks.filter(block => !gone.some(other => isBeside(block, other)))
  }
  return {
    ...lane,
    chains: eachLeft(lane.chains, areThere),
    stretches: eachLeft(lane.stretches, own => own.filter(goesOn)),
    ...(own && { code: own }),
  }
}

/** Whether blocks hold parts of the same rules, or may. */
const isBeside = (one: IndexedBlock, other: IndexedBlock): boolean =>
  one.path[0] === other.path[0] || (one.first <= other.last && other.first <= one.last)

/** What is left of each, where something is. */
const eachLeft = <T>(
  all: ReadonlyMap<string, readonly T[]>,
  left: (own: readonly T[]) => readonly T[],
): Map<string, readonly T[]> =>
  new Map(
    [...all].flatMap(([chain, own]) => {
      const there = left(own)
      return there.length > 0 ? [[chain, there] as const] : []
    }),
  )

/** The names of the maps that blocks are looked up in, of those that trees which can be kept stand in, and of those that only functions use. */
export const namesOfMaps = (
  blocks: readonly Pick<EditableBlock, 'maps'>[],
  stretches: readonly Pick<Stretch, 'blocks'>[],
  code?: Pick<ChainCode, 'maps'>,
): ReadonlySet<string> =>
  new Set([
    ...blocks.flatMap(({ maps }) => maps.flatMap(mapNames)),
    ...stretches.flatMap(({ blocks }) => treesKept(blocks).map(({ map }) => map)),
    ...(code ? ownMaps(code) : []),
  ])

/** The names of the maps of functions but for those that all programs share. */
export const ownMaps = ({ maps }: Pick<ChainCode, 'maps'>): readonly string[] =>
  maps.flatMap(({ name, shared }) => (shared ? [] : [name]))

/** As they were made. */
export const indexStretches = (
  stretches: ReadonlyMap<string, readonly Stretch[]>,
): Map<string, readonly IndexedStretch[]> =>
  new Map([...stretches].map(([chain, own]) => [chain, own.map(one => ({ ...one, edited: [] }))]))

/** The ids of a program's maps of these names, but for maps that others made under names of their own. */
export function mapIds(
  program: number,
  names: ReadonlySet<string>,
  others: ReadonlySet<number> = new Set(),
): Map<string, number> {
  const ids = new Map<string, number>()
  for (const id of programMapIds(program)) {
    if (others.has(id)) continue
    const fd = mapById(id)
    const { name } = mapInfoOf(fd)
    close(fd)
    if (names.has(name)) ids.set(name, id)
  }
  return ids
}

export function indexBlock(
  { repeated, ...block }: EditableBlock,
  family: Family,
  slots: readonly number[],
): IndexedBlock {
  const layout = keyLayout(block.fields, family)
  const keyed = repeated.map(({ values, rules }) => {
    const key = Buffer.from(dispatchKey(block.fields, layout, family, values)).toString('hex')
    return { key, rules }
  })
  return {
    ...block,
    counts: new Map(block.hotdrop ? keyed.map(({ key, rules }) => [key, rules.length]) : []),
    holders: new Map(
      block.hotdrop
        ? []
        : keyed.map(({ key, rules }) => [
            key,
            rules.map(({ rule, kind }) => holderOf(slots[rule] ?? Number.NaN, kind)),
          ]),
    ),
    edited: [],
  }
}

/** The chains some of whose rules are held by trees in maps, or many by look-ups. */
const chainsWithKept = (lanes: readonly IndexedLane[]): ReadonlySet<string> =>
  new Set(
    lanes.flatMap(({ family, table, stretches, chains }) => {
      const inLookUps = [...chains].flatMap(([chain, blocks]) =>
        heldRules(blocks).length > 0 ? [chain] : [],
      )
      return [...stretches.keys(), ...inLookUps].map(chain => `${family} ${table} ${chain}`)
    }),
  )

function indexFamilies(
  rulesets: readonly Ruleset[],
  slots: readonly number[],
  withKept: ReadonlySet<string>,
): IndexedFamily[] {
  let next = 0
  return rulesets.map(({ family, tables }) => {
    const lines: string[] = ['']
    const rules = tables.reduce((sum, table) => sum + rulesIn(table), 0)
    const own = new Uint32Array(rules)
    const reaches = reachesOf(rules, family)
    const add = (rule: Rule, isKept: boolean): void => {
      const at = lines.length - 1
      if (isKept) writeReach(reaches, at * reachSize(family), rule, family)
      own[at] = slots[next++] ?? Number.NaN
      lines.push(writtenRule(rule) ?? oneLine(printRule(rule, family)))
    }
    const chains = tables.flatMap(table =>
      table.chains.map(({ name, policy, rules }) => {
        const described = policy && { policy: { verdict: policy, slot: slots[next++] ?? Number.NaN } }
        const isKept = withKept.has(`${family} ${table.name} ${name}`)
        for (let at = 0; at < rules.length; at++) add(rules[at] as Rule, isKept)
        return { table: table.name, name, count: rules.length, ...described }
      }),
    )
    return { family, chains: chainTable(chains), ...joinLines(lines), slots: own, reaches }
  })
}

const rulesIn = ({ chains }: Table): number => chains.reduce((sum, { rules }) => sum + rules.length, 0)

/** A rule of several lines is none to search for. */
const oneLine = (text: string): string => (text.includes('\n') ? '\0' : text)

/** The text of an index, which begins with the end of an empty line, and where the others begin in it. */
function joinLines(lines: readonly string[]): Pick<IndexedFamily, 'text' | 'offsets'> {
  const all = `${lines.join('\n')}\n`
  const text = Buffer.from(all)
  const isAscii = text.length === all.length
  const offsets = new Uint32Array(lines.length)
  for (let index = 0, at = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    at += 1 + (isAscii ? line.length : Buffer.byteLength(line))
    offsets[index] = at
  }
  return { text, offsets }
}
