// The tree as data. Wide values (128 bits) are hexadecimal strings, all others numbers.

import { type Block, treesIn } from '../chain.ts'
import type { Outcome } from '../item.ts'
import { laneName } from '../lane.ts'
import type { Plan } from '../plan.ts'
import type { LeafTest } from '../test.ts'
import type { LaneProgram, Translation } from '../translate.ts'
import { keyValues } from '../tree/dispatch.ts'
import type { IntervalSet, Point } from '../tree/interval.ts'
import type { Node } from '../tree/node.ts'

type Translated = Extract<Translation, { kind: 'translated' }>

/** A JSON document: `rules` is what counts, to which all `rule` numbers in `programs` point. */
export const renderJson = ({ programs, rules }: Translated): string =>
  `${JSON.stringify({ rules, programs: programs.map(programJson) }, undefined, 1)}\n`

const programJson = ({ lane, plans }: LaneProgram): object => ({
  program: laneName(lane),
  families: plans.map(({ family, plan, policy }) => ({
    family,
    policy: { rule: policy.rule, verdict: policy.verdict },
    chains: chainsOf(plan).map(({ name, blocks }) => ({
      name,
      inline: name !== plan.base.name && !plan.functions.has(name),
      blocks: blocks.map(blockJson),
    })),
  })),
})

/** The base chain first. */
export const chainsOf = ({ base, chains }: Plan): Plan['base'][] => [
  base,
  ...[...chains.values()].filter(chain => chain !== base),
]

function blockJson(block: Block): object {
  if (block.kind === 'always')
    return { kind: 'always', rule: block.item.rule, ...outcomeJson(block.item.outcome) }
  if (block.kind === 'tree') return { kind: 'tree', root: nodeJson(block.root) }
  if (block.kind === 'split')
    return { kind: 'split', whole: block.whole.map(blockJson), odd: block.odd.map(blockJson) }
  if (block.kind === 'overlaid')
    return { kind: 'overlaid', over: block.over.map(blockJson), under: block.under.map(blockJson) }
  if (block.kind === 'parted')
    return {
      kind: 'parted',
      between: block.between.map(place => place.map(blockJson)),
      under: block.under.map(blockJson),
    }
  if (block.kind === 'kept') return { kind: 'kept', trees: block.layout.trees }
  if (block.kind === 'walked') return { kind: 'walked', trees: block.trees }
  if (block.kind !== 'dispatch') return { kind: block.kind, trees: treesIn(block).map(nodeJson) }
  const cases = block.cases.map(item => ({
    values: keyValues(item, block.fields).map(pointJson),
    rule: item.rule,
    ...outcomeJson(item.outcome),
  }))
  return { kind: 'dispatch', fields: block.fields, tests: block.common.map(testJson), cases }
}

function nodeJson(node: Node): object {
  if (node.kind === 'branch')
    return {
      kind: 'branch',
      field: node.field,
      at: pointJson(node.at),
      below: nodeJson(node.below),
      above: nodeJson(node.above),
    }
  return {
    kind: 'leaf',
    rules: node.candidates.map(({ item, tests }) => ({
      rule: item.rule,
      ...outcomeJson(item.outcome),
      ...(tests.length > 0 && { tests: tests.map(testJson) }),
    })),
  }
}

const outcomeJson = (outcome: Outcome): object =>
  'chain' in outcome ? { outcome: outcome.kind, chain: outcome.chain } : { outcome: outcome.kind }

function testJson(test: LeafTest): object {
  if (test.kind === 'any') return { kind: 'any', tests: test.tests.map(testJson) }
  if (test.kind === 'set') return { kind: 'set', field: test.field, set: setJson(test.set) }
  if (test.kind !== 'mask') return test
  return {
    kind: 'mask',
    field: test.field,
    mask: pointJson(test.mask),
    value: pointJson(test.value),
    negated: test.negated,
  }
}

/** Pairs of the first value inside and the first behind. */
const setJson = (set: IntervalSet): object => set.map(({ low, end }) => [pointJson(low), pointJson(end)])

const pointJson = (point: Point): number | string =>
  typeof point === 'bigint' ? `0x${point.toString(16)}` : point
