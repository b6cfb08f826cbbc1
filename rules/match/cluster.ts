import { RuleError } from '../error.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { bang, printTerm, type Term, term } from '../term.ts'
import { maximum, parseNumber } from '../value/number.ts'

/** The hash of the connection's source falls to one of these nodes of a cluster. */
export interface ClusterMatch {
  readonly kind: 'cluster'
  /** A bit for each node, bit 0 for node 1. */
  readonly nodes: Term<number>
  readonly total: number
  readonly seed: number
}

/** XT_CLUSTER_NODES_MAX */
const MOST = 32

const node = (text: string): number => parseNumber(text, 1, MOST, 'node')

export const cluster = defineMatch<ClusterMatch>()({
  name: 'cluster',
  options: {
    'cluster-total-nodes': option(text => parseNumber(text, 1, MOST, 'number of nodes'), { required: true }),
    'cluster-local-node': option(text => 2 ** (node(text) - 1), {
      negatable: true,
      excludes: ['cluster-local-nodemask'],
    }),
    'cluster-local-nodemask': option(text => parseNumber(text, 1, maximum(32), 'node mask'), {
      negatable: true,
      excludes: ['cluster-local-node'],
    }),
    'cluster-hash-seed': option(text => parseNumber(text, 0, maximum(32), 'seed'), { required: true }),
  },
  requiresOneOf: ['cluster-local-node', 'cluster-local-nodemask'],
  build(given) {
    const nodes = given['cluster-local-node'] ?? given['cluster-local-nodemask']
    const total = given['cluster-total-nodes']?.value ?? MOST
    if (nodes && nodes.value >= 2 ** total)
      throw new RuleError('ERR_VALUE', `there is no such node: the cluster has ${total}`, {
        span: nodes.span,
      })
    return {
      kind: 'cluster',
      nodes: term(nodes?.value ?? 0, nodes?.negated),
      total,
      seed: given['cluster-hash-seed']?.value ?? 0,
    }
  },
  print: match =>
    `${printTerm('cluster-local-nodemask', match.nodes, hex)} --cluster-total-nodes ${match.total} --cluster-hash-seed ${hex(match.seed)}`,
  list: ({ nodes, total, seed }) =>
    ` cluster ${bang(nodes)}node_mask=${hex(nodes.value)} total_nodes=${total} hash_seed=${hex(seed)}`,
})

const hex = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`
