// Random graphs of chains: deep and wide ones, chains that many call, lists that call a chain for each address. What rules ask is simple, and
// often the same, so that packets come far.

import type { Family } from 'iptables-parser'
import { type Random, seeded } from './random.ts'

export interface RandomChainsOptions {
  readonly seed: number
  readonly family: Family
  /** User chains. */
  readonly chains: number
  /** As many calls may lie one behind the other. */
  readonly depth: number
  /** Rules of a chain that lists addresses, of which there are two. */
  readonly listed: number
  /** Addresses that have chains of their own, which are alike. */
  readonly pods: number
}

interface Graph extends RandomChainsOptions {
  readonly random: Random
  /** Of each depth the chains that stand there: chains call only deeper ones. */
  readonly layers: readonly (readonly string[])[]
}

/** iptables-save text. */
export const randomChains = (options: RandomChainsOptions): string => sketchChains(options).rules

export interface SketchedChains {
  readonly rules: string
  /** Of a rule more, the chain and what it says. */
  readonly another: () => readonly [chain: string, rule: string]
}

export function sketchChains(options: RandomChainsOptions): SketchedChains {
  const random = seeded(options.seed)
  const layers = layersOf(options)
  const graph = { ...options, random, layers }
  return { rules: tableOf(graph), another: () => anotherRule(graph) }
}

/** Of a base chain, of one of the graph, of a list or of a pod, which may lead to another pod's; that of a policy may lead back. */
function anotherRule(graph: Graph): readonly [chain: string, rule: string] {
  const { random, layers, pods, depth } = graph
  const [pod, other, at] = [random.below(pods), random.below(pods), random.below(layers.length)]
  const [chain, from, to] = random.pick<readonly [chain: string, from: number, to: string]>([
    [random.pick(['INPUT', 'FORWARD', 'OUTPUT']), 0, `pod-${other}`],
    ['INPUT', 0, 'list-a'],
    ['pods', depth - 1, `pod-${other}`],
    [random.pick(['list-a', 'list-b']), depth - 1, `policy-${other}`],
    [random.pick(layers[at] ?? []), at + 1, `policy-${other}`],
    [`pod-${pod}`, depth - 1, `policy-${other}`],
    [`policy-${pod}`, depth, `pod-${pod}`],
  ])
  const leads = random.chance(0.3) ? `${random.pick(['-j', '-j', '-g'])} ${to}` : target(graph, from)
  return [chain, `${asked(graph)} ${leads}`.replace(/ +/g, ' ').trim()]
}

function tableOf(graph: Graph): string {
  const { random, layers, ...options } = graph
  const rules = [
    ...['INPUT', 'FORWARD', 'OUTPUT'].flatMap(base => rulesOf(graph, base, 0, 6)),
    ...layers.flatMap((names, at) =>
      names.flatMap(name => rulesOf(graph, name, at + 1, 1 + random.below(4))),
    ),
    ...['list-a', 'list-b'].flatMap(name => listOf(graph, name)),
    ...Array.from({ length: options.pods }, (_, pod) => podOf(graph, pod)).flat(),
  ]
  const pods = Array.from({ length: options.pods }, (_, pod) => [`pod-${pod}`, `policy-${pod}`]).flat()
  const declared = [...layers.flat(), 'list-a', 'list-b', 'pods', ...pods].map(name => `:${name} - [0:0]`)
  const policies = ['INPUT', 'FORWARD', 'OUTPUT'].map(
    name => `:${name} ${random.pick(['ACCEPT', 'DROP'])} [0:0]`,
  )
  return `${['*filter', ...policies, ...declared, ...rules, 'COMMIT'].join('\n')}\n`
}

function layersOf({ chains, depth }: RandomChainsOptions): string[][] {
  const layers: string[][] = Array.from({ length: depth }, () => [])
  for (let chain = 0; chain < chains; chain++) layers[chain % depth]?.push(`c${chain % depth}-${chain}`)
  return layers
}

function rulesOf(graph: Graph, chain: string, at: number, count: number): string[] {
  const { random } = graph
  const rules = Array.from({ length: count }, () =>
    `-A ${chain}${asked(graph)} ${target(graph, at)}`.replace(/ +/g, ' '),
  )
  if (at === 0) rules.push(`-A ${chain} -j pods`, `-A ${chain} -j list-a`, `-A ${chain} -p udp -g list-b`)
  return random.chance(0.2) ? [...rules, `-A ${chain}${call(graph, at)}`] : rules
}

/** For few addresses, several times each: the rules behind one that jumps are met when it returns. */
function listOf(graph: Graph, name: string): string[] {
  const { random, listed } = graph
  return Array.from({ length: listed }, () => {
    const to = random.chance(0.8) ? call(graph, 0) : target(graph, graph.depth)
    return `-A ${name} -s ${host(graph, Math.max(40, listed >> 1))} ${to}`.trimEnd().replace(/ +/g, ' ')
  })
}

function target(graph: Graph, at: number): string {
  const { random } = graph
  if (random.chance(0.45)) return call(graph, at)
  return random.pick(['-j ACCEPT', '-j DROP', '-j RETURN', ''])
}

/** Of a chain further down; nothing where there is none. */
function call({ random, layers, depth }: Graph, at: number): string {
  if (at >= depth) return ''
  const chain = random.pick(layers[at + random.below(Math.min(2, depth - at))] ?? [])
  return ` ${random.chance(0.25) ? '-g' : '-j'} ${chain}`
}

function asked(graph: Graph): string {
  const { random } = graph
  return random.pick([
    '',
    ` -s ${host(graph, 12)}`,
    ` -s ${net(graph)}`,
    ' -p tcp',
    ' -p udp --dport 53',
    ' -p tcp --dport 1024:',
    ' -p tcp --syn',
  ])
}

const host = ({ random, family }: Graph, among: number): string =>
  family === 4
    ? `198.51.100.${random.below(among % 250)}/32`
    : `2001:db8:5::${random.below(among).toString(16)}/128`

const net = ({ random, family }: Graph): string =>
  family === 4
    ? `198.51.100.${8 * random.below(4)}/29`
    : `2001:db8:5::${(8 * random.below(4)).toString(16)}/125`

/** One of two ways to make the chains of a pod. */
function podOf(graph: Graph, pod: number): string[] {
  const { random, family } = graph
  const own = family === 4 ? `198.51.100.${pod % 250}/32` : `2001:db8:5::${pod.toString(16)}/128`
  const policy = [
    `-A policy-${pod} -s ${net(graph)} -p tcp -j RETURN`,
    `-A policy-${pod} -s ${own} -p udp --dport 53 -j ${random.pick(['ACCEPT', 'DROP'])}`,
  ]
  const shared = random.pick(graph.layers.at(-1) ?? [])
  const called = random.chance(0.5) ? [`-A pod-${pod} -p tcp -j ${shared}`] : [`-A pod-${pod} -d ${own}`]
  return [
    `-A pods -s ${own} ${random.chance(0.2) ? '-g' : '-j'} pod-${pod}`,
    `-A pod-${pod} -j policy-${pod}`,
    ...called,
    `-A pod-${pod} -p udp -j DROP`,
    ...policy,
  ]
}
