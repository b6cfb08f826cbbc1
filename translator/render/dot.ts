// The trees as a Graphviz graph: `dot -Tsvg`.

import type { Family } from 'iptables-parser'
import { type Block, type SeparatedBlock, treesIn } from '../chain.ts'
import type { Counted } from '../counter.ts'
import { laneName } from '../lane.ts'
import type { Translation } from '../translate.ts'
import type { Candidate, Node } from '../tree/node.ts'
import { chainsOf } from './json.ts'
import { printPoint } from './value.ts'

type Translated = Extract<Translation, { kind: 'translated' }>

/** One cluster for each chain of each program; a box for each leaf with the rules asked there, `?` before those with questions left. */
export function renderDot({ programs, rules }: Translated): string {
  const writer = new DotWriter(rules)
  for (const { lane, plans } of programs)
    for (const { family, plan } of plans)
      for (const chain of chainsOf(plan))
        writer.chain(`${laneName(lane)} ${chain.name}`, family, chain.blocks)
  return writer.text()
}

class DotWriter {
  readonly #rules: readonly Counted[]
  readonly #lines: string[] = [
    'digraph bpftables {',
    '  rankdir=TB; compound=true; node [fontname="monospace", fontsize=10];',
  ]
  #nodes = 0

  constructor(rules: readonly Counted[]) {
    this.#rules = rules
  }

  text(): string {
    return `${[...this.#lines, '}'].join('\n')}\n`
  }

  chain(name: string, family: Family, blocks: readonly Block[]): void {
    this.#lines.push(`  subgraph ${quoted(`cluster ${name}`)} {`, `    label=${quoted(name)};`)
    this.#blocks(blocks, family)
    this.#lines.push('  }')
  }

  #block(block: Block, family: Family): string {
    if (block.kind === 'always') return this.#box([{ item: block.item, tests: [] }])
    if (block.kind === 'tree') return this.#node(block.root, family)
    if (block.kind === 'dispatch')
      return this.#id(`${block.cases.length} rules\nby ${block.fields.join(', ')}`, 'cylinder')
    if (block.kind === 'kept' || block.kind === 'walked') {
      const { trees } = block.kind === 'kept' ? block.layout : block
      return this.#id(`${trees} trees\nin a map that goes on`, 'cylinder')
    }
    if (block.kind === 'overlaid') {
      const over = this.#id('changed since', 'ellipse')
      this.#blocks(block.over, family, over, 'yes')
      this.#blocks(block.under, family, over, 'no')
      return over
    }
    if (block.kind === 'parted') {
      const under = this.#id('put in between since', 'ellipse')
      for (const [place, blocks] of block.between.entries())
        this.#blocks(blocks, family, under, `${place + 1}`)
      this.#blocks(block.under, family, under, 'last')
      return under
    }
    if (block.kind !== 'split') return this.#separated(block, family)
    const id = this.#id('whole transport header', 'ellipse')
    for (const [label, side] of [
      ['yes', block.whole],
      ['no', block.odd],
    ] as const)
      this.#blocks(side, family, id, label)
    return id
  }

  #separated(block: SeparatedBlock, family: Family): string {
    const id = this.#id(`the first rule of ${block.trees.length} trees`, 'ellipse')
    for (const root of treesIn(block)) this.#lines.push(`    ${id} -> ${this.#node(root, family)};`)
    return id
  }

  #blocks(blocks: readonly Block[], family: Family, from?: string, label?: string): void {
    let before = from
    for (const [index, block] of blocks.entries()) {
      const node = this.#block(block, family)
      if (before)
        this.#lines.push(
          `    ${before} -> ${node} [${index === 0 && label ? `label="${label}"` : 'style=dashed'}];`,
        )
      before = node
    }
  }

  #node(node: Node, family: Family): string {
    if (node.kind === 'leaf') return this.#box(node.candidates)
    const id = this.#id(`${node.field} < ${printPoint(node.field, family, node.at)}`, 'ellipse')
    this.#lines.push(`    ${id} -> ${this.#node(node.below, family)} [label="yes"];`)
    this.#lines.push(`    ${id} -> ${this.#node(node.above, family)} [label="no"];`)
    return id
  }

  #box(candidates: readonly Candidate[]): string {
    const lines = candidates.map(({ item, tests }) => {
      const text = this.#rules[item.rule]?.rule ?? ''
      return `${tests.length > 0 ? '? ' : ''}${text}${item.outcome.kind === 'hotdrop' ? ' (malformed)' : ''}`
    })
    return this.#id(lines.length > 0 ? lines.join('\n') : 'no rule', 'box')
  }

  #id(label: string, shape: 'box' | 'ellipse' | 'cylinder'): string {
    const id = `n${this.#nodes++}`
    this.#lines.push(`    ${id} [shape=${shape}, label=${quoted(label)}];`)
    return id
  }
}

const quoted = (text: string): string =>
  `"${text.replace(/[\\"]/g, character => `\\${character}`).replaceAll('\n', '\\l')}"`
