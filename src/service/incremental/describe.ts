// The index of a generation: from its rules and from what was translated and loaded of them.

import type { Family, Ruleset } from 'iptables-parser'
import type { Counted } from '../../../translator/counter.ts'
import { type EditableBlock, type EditableLane, editableLanes } from '../../../translator/edit/block.ts'
import { type Stretch, stretchesOf, treesKept } from '../../../translator/edit/kept.ts'
import { dispatchKey, keyLayout } from '../../../translator/emit/dispatch.ts'
import { mapNames } from '../../../translator/emit/look-up.ts'
import { laneName } from '../../../translator/lane.ts'
import type { Translated } from '../../../translator/translate.ts'
import { close, mapById, mapInfoOf, programMapIds } from '../../kernel/sys/object.ts'
import type { Generation } from '../generation.ts'
import type { OpenLane } from '../programs.ts'
import { holderOf } from './holder.ts'
import type { EditIndex, IndexedBlock, IndexedFamily, IndexedLane, IndexedStretch } from './index-file.ts'
import { everything, type Reach, reachOf } from './reach.ts'
import { linePrefix } from './request.ts'
import type { EditState } from './state.ts'

export interface Described {
  readonly generation: Generation
  readonly rulesets: readonly Ruleset[]
  readonly translation: Translated
  /** All programs of the generation. */
  readonly programs: readonly OpenLane[]
  /** What is in force, whose programs may serve this generation too. */
  readonly before: EditState | undefined
  /** Slots that packets on their way may still count in. */
  readonly resting: readonly number[]
}

/** The index; undefined where a program that goes on was loaded without one. */
export function describeGeneration(described: Described): EditIndex | undefined {
  const { generation, rulesets, translation, programs, before, resting } = described
  const { number, namespace, hook, devices, conntrack, counterArrays } = generation
  const slots = generation.rulesets.flatMap(saved => saved.slots)
  const { rules } = translation
  const numberOf = (rule: number): number => rules[rule]?.number ?? 0
  const lanes = programs.map(program => {
    const translated = translation.programs.filter(({ lane }) => laneName(lane) === laneName(program.lane))
    return translated.length > 0
      ? translated.flatMap(one =>
          editableLanes(one, numberOf).map(lane => {
            const stretches = stretchesOf(one, lane.family, numberOf)
            return indexLane(lane, stretches, program, slots)
          }),
        )
      : before && goingOn(before, program)
  })
  if (lanes.includes(undefined)) return undefined
  const indexed = lanes.flatMap(lane => lane ?? [])
  const policies = rules.flatMap((rule, index) => (rule.number === 0 ? (slots[index] ?? []) : []))
  return {
    generation: number,
    carriedOut: 0,
    namespace,
    hook,
    devices,
    conntrack,
    arrays: counterArrays,
    families: indexFamilies(rulesets, rules, slots, chainsWithTrees(indexed)),
    lanes: indexed,
    taken: Uint32Array.from([...policies, ...resting]),
  }
}

/** What is known of a program that was translated for a generation before; undefined where nothing is. */
export function goingOn(
  { index, blocks, stretches }: EditState,
  { lane }: Pick<OpenLane, 'lane'>,
): IndexedLane[] | undefined {
  const known = [...index.lanes.entries()].filter(([, indexed]) => laneName(indexed.lane) === laneName(lane))
  if (known.length === 0) return undefined
  return known.map(([at, indexed]) => ({
    ...indexed,
    chains: new Map(
      [...indexed.chains.keys()].map(chain => [chain, blocks(at, { ...indexed, chain }) ?? []] as const),
    ),
    stretches: new Map(
      [...indexed.stretches.keys()].map(chain => [chain, stretches(at, { ...indexed, chain })] as const),
    ),
  }))
}

function indexLane(
  lane: EditableLane,
  stretches: ReadonlyMap<string, readonly Stretch[]>,
  { fd }: OpenLane,
  slots: readonly number[],
): IndexedLane {
  const { chains, family } = lane
  const named = new Set([
    ...chains.flatMap(({ blocks }) => blocks.flatMap(({ maps }) => maps.flatMap(mapNames))),
    ...[...stretches.values()].flat().flatMap(({ blocks }) => treesKept(blocks).map(({ map }) => map)),
  ])
  return {
    ...lane,
    chains: new Map(
      chains.map(({ name, blocks }) => [name, blocks.map(block => indexBlock(block, family, slots))]),
    ),
    stretches: indexStretches(stretches),
    maps: named.size > 0 ? mapIds(fd, named) : new Map(),
  }
}

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
  }
}

/** The chains some of whose rules are held by trees in maps. */
const chainsWithTrees = (lanes: readonly IndexedLane[]): ReadonlySet<string> =>
  new Set(
    lanes.flatMap(({ family, table, stretches }) =>
      [...stretches.keys()].map(chain => `${family} ${table} ${chain}`),
    ),
  )

function indexFamilies(
  rulesets: readonly Ruleset[],
  rules: readonly Counted[],
  slots: readonly number[],
  withTrees: ReadonlySet<string>,
): IndexedFamily[] {
  let next = 0
  return rulesets.map(({ family, tables }) => {
    const lines: string[] = ['']
    const own: number[] = []
    const reaches: Reach[] = []
    const nothingKnown = everything(family)
    const chains = tables.flatMap(table =>
      table.chains.map(chain => {
        const first = own.length
        const skipped = linePrefix(chain.name, family).length
        const slot = slots[next] ?? Number.NaN
        if (chain.policy) next++
        const isInTrees = withTrees.has(`${family} ${table.name} ${chain.name}`)
        for (const rule of chain.rules) {
          reaches.push(isInTrees ? reachOf(rule, family) : nothingKnown)
          lines.push(oneLine(rules[next]?.rule.slice(skipped) ?? ''))
          own.push(slots[next] ?? Number.NaN)
          next++
        }
        const policy = chain.policy && { policy: { verdict: chain.policy, slot } }
        return { table: table.name, name: chain.name, first, count: chain.rules.length, ...policy }
      }),
    )
    const numbers = { slots: Uint32Array.from(own), reaches: Uint32Array.from(reaches.flat()) }
    return { family, chains, ...joinLines(lines), ...numbers }
  })
}

/** A rule of several lines is none to search for. */
const oneLine = (text: string): string => (text.includes('\n') ? '\0' : text)

/** The text of an index, which begins with the end of an empty line, and where the others begin in it. */
function joinLines(lines: readonly string[]): Pick<IndexedFamily, 'text' | 'offsets'> {
  const text = Buffer.from(`${lines.join('\n')}\n`)
  const offsets = new Uint32Array(lines.length)
  for (let at = 0, line = 0; line < lines.length; line++) {
    at = text.indexOf(NEWLINE, at) + 1
    offsets[line] = at
  }
  return { text, offsets }
}

const NEWLINE = 0x0a
