// What translates and what does not, and what became of it.

import { place } from 'iptables-parser'
import { slotCount } from '../asm/encode.ts'
import { type Block, itemsIn, type PlainBlock, type SeparatedBlock } from '../chain.ts'
import type { PlannedChain } from '../emit/chain.ts'
import { laneName } from '../lane.ts'
import type { Plan } from '../plan.ts'
import type { LeftTable } from '../table.ts'
import type { LaneProgram, Refusal, Translation } from '../translate.ts'
import { shapeOf, type TreeShape } from '../tree/node.ts'
import { chainsOf } from './json.ts'

/** Plain text. */
export const renderReport = (translation: Translation, left: readonly LeftTable[] = []): string =>
  [
    translation.kind === 'refused'
      ? refusalReport(translation.refusals)
      : translation.programs.map(programReport).join('\n'),
    leftReport(left),
  ]
    .filter(text => text !== '')
    .join('\n')

function leftReport(left: readonly LeftTable[]): string {
  if (left.length === 0) return ''
  const lines = left.map(
    ({ table, reason, span }) => `  ${table.name}: ${span ? `${place(span)}: ` : ''}${reason}\n`,
  )
  return `left to the kernel's own iptables:\n${lines.join('')}`
}

function refusalReport(refusals: readonly Refusal[]): string {
  const lines = refusals.map(
    ({ rule, reason, span, lane }) =>
      `${span ? `${place(span)}: ` : ''}${rule.rule}\n    ${reason} (${laneName(lane)})`,
  )
  return `${refusals.length} ${refusals.length === 1 ? 'rule does' : 'rules do'} not translate:\n\n${lines.join('\n')}\n`
}

function programReport({ lane, spec, plans }: LaneProgram): string {
  const slots = spec.functions.reduce((sum, fn) => sum + slotCount(fn.instructions), 0)
  const head = `${laneName(lane)}: ${slots} instructions, ${spec.functions.length} functions, ${spec.maps.length} maps`
  const chains = plans.flatMap(({ plan, family }) =>
    chainsOf(plan).flatMap(chain => [
      `  IPv${family} ${chainHead(chain, plan)}`,
      ...chain.blocks.flatMap(blockLines).map(line => `    ${line}`),
    ]),
  )
  return `${[head, ...chains].join('\n')}\n`
}

const chainHead = (chain: PlannedChain, plan: Plan): string =>
  chain === plan.base || plan.functions.has(chain.name)
    ? `${chain.name}:`
    : `${chain.name} (in place of its call):`

function blockLines(block: Block): string[] {
  if (block.kind === 'split') {
    const indented = (blocks: readonly Block[]): string[] =>
      blocks.flatMap(blockLines).map(line => `  ${line}`)
    return ['whole transport header:', ...indented(block.whole), 'any other:', ...indented(block.odd)]
  }
  if (block.kind === 'overlaid') return [...block.over, ...block.under].flatMap(blockLines)
  if (block.kind === 'parted') return [...block.between.flat(), ...block.under].flatMap(blockLines)
  return [blockLine(block)]
}

function blockLine(block: PlainBlock): string {
  if (block.kind === 'always')
    return `every packet: ${'chain' in block.item.outcome ? `${block.item.outcome.kind} ${block.item.outcome.chain}` : 'counted'}`
  if (block.kind === 'dispatch') return `look-up: ${block.cases.length} rules by ${block.fields.join(', ')}`
  if (block.kind === 'kept') return keptLine(block.layout)
  if (block.kind === 'walked') return keptLine(block)
  if (block.kind !== 'tree') return separatedLine(block)
  const { leaves, depth, candidates } = shapeOf(block.root)
  const replication = (candidates / block.items).toFixed(2)
  return depth === 0
    ? `linear: ${rulesIn(block)} rules asked in turn`
    : `tree: ${rulesIn(block)} rules, ${leaves} leaves, at most ${depth} comparisons deep, each rule in ${replication} leaves`
}

const keptLine = ({ trees }: { readonly trees: number }): string =>
  `${trees} ${trees === 1 ? 'tree' : 'trees'} in a map that goes on`

/** One that looks into the transport header is several items. */
const rulesIn = (block: Block): number => new Set(itemsIn(block).map(({ rule }) => rule)).size

function separatedLine(block: SeparatedBlock): string {
  const { kind, space, trees } = block
  const shapes = trees.map(({ root }) => shapeOf(root))
  const sum = (of: (shape: TreeShape) => number): number =>
    shapes.reduce((total, shape) => total + of(shape), 0)
  const place = kind === 'mapped' ? 'in a map' : 'in code'
  const depths = shapes.map(({ depth }) => depth).join(' + ')
  const replication = (sum(({ candidates }) => candidates) / space.items.length).toFixed(2)
  return `${trees.length} ${trees.length === 1 ? 'tree' : 'trees'} ${place}: ${rulesIn(block)} rules, ${sum(({ leaves }) => leaves)} leaves, at most ${depths} comparisons deep, each rule in ${replication} leaves`
}
