// Random edits of rules in force, next to iptables-legacy: rules, verdicts and counters must be those that it has after the same edits.

import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { type Family, parseSave } from 'iptables-parser'
import { readIndex } from '../../../src/service/incremental/index-file.ts'
import { treesKept, walksKept } from '../../../translator/edit/kept.ts'
import { aim } from '../harness/aim.ts'
import { compare, formatDifferences, linesOf } from '../harness/compare.ts'
import { legacy, lockEnvironment } from '../harness/firewall.ts'
import { type Host, openHost } from '../harness/host.ts'
import { type Random, seeded } from '../harness/random.ts'
import { type Installed, install } from './installed.ts'
import type { Sketched } from './random-edits.ts'

/** Edits between two looks at what both count. */
const ROUND = 12
const ROUNDS = 2

interface Pair {
  readonly family: Family
  readonly oracle: Host
  readonly host: Host
  readonly installed: Installed
}

const rulesOf = (text: string, chain: string): string[] =>
  linesOf(text).flatMap(line =>
    line.startsWith(`-A ${chain} `) || line === `-A ${chain}` ? [line.slice(4 + chain.length)] : [],
  )

const commandOf = (family: Family): string => `${family === 4 ? 'iptables' : 'ip6tables'}-legacy`

/** Both refuse it, or both do it. */
async function both(
  t: ExecutionContext,
  { family, oracle, installed }: Pair,
  words: readonly string[],
): Promise<number | undefined> {
  const refused = ((): boolean => {
    try {
      oracle.run(commandOf(family), words, '', lockEnvironment(oracle))
      return false
    } catch {
      return true
    }
  })()
  const { code, stderr, generation } = await installed.ask({ command: 'iptables', family, words })
  t.is(code !== 0, refused, `${words.join(' ')}: ${stderr}`)
  return generation
}

async function save(
  { family, installed }: Pick<Pair, 'family' | 'installed'>,
  ...words: string[]
): Promise<string> {
  return (await installed.ask({ command: 'save', family, words: ['-t', 'filter', ...words] })).stdout
}

type Policies = Map<string, readonly [bigint, bigint]>

/** libiptc zeroes the counters of policies with every edit, and we do not: of those, what was counted since the last look is compared. */
function sincePolicies(lines: readonly string[], before: Policies): string[] {
  return lines.map(line => {
    const [, name = '', packets = '0', bytes = '0'] =
      /^(:\S+ (?:ACCEPT|DROP)) \[(\d+):(\d+)\]$/.exec(line) ?? []
    if (name === '') return line
    const [packetsBefore, bytesBefore] = before.get(name) ?? [0n, 0n]
    before.set(name, [BigInt(packets), BigInt(bytes)])
    return `${name} [${BigInt(packets) - packetsBefore}:${BigInt(bytes) - bytesBefore}]`
  })
}

async function compareNow(
  t: ExecutionContext,
  pair: Pair,
  before: Policies,
  history: readonly string[],
): Promise<boolean> {
  const expected = [...linesOf(await legacy.read(pair.oracle)), ...pair.oracle.traffic()]
  const found = [...sincePolicies(linesOf(await save(pair, '-c')), before), ...pair.host.traffic()]
  const differences = compare(expected, found)
  if (differences.length > 0) t.fail(`${formatDifferences(differences)}\n${history.join('\n')}`)
  return differences.length === 0
}

export interface Trial {
  readonly hook: string
  readonly family: Family
  readonly seed: number
  readonly sketch: (random: Random, family: Family) => Sketched
  /** Of twelve edits each. */
  readonly rounds?: number
  /** With rules of the other family, which are edited in turns with these; nothing is compared of them, but programs before netfilter are of both. */
  readonly beside?: boolean
}

/** Of how many edits, how many were map updates, and how many made programs around what went on. */
export interface Made {
  readonly edits: number
  readonly quick: number
  readonly kept: number
  /** Of these last, how many amended trees. */
  readonly amended: number
  /** And behind how many rules had changed over trees that share a map. */
  readonly walked: number
}

/** The ids of the maps that trees of a generation stand in. */
const treesIn = ({ settings }: Installed, generation = 0): string =>
  (readIndex(settings, generation)?.lanes ?? [])
    .flatMap(({ stretches, maps }) =>
      [...stretches.values()]
        .flat()
        .flatMap(({ blocks }) => treesKept(blocks).map(({ map }) => maps.get(map))),
    )
    .join()

/** Whether rules have changed among those of trees that share a map, which go on. */
const hasWalked = ({ settings }: Installed, generation = 0): boolean =>
  (readIndex(settings, generation)?.lanes ?? [])
    .flatMap(({ stretches }) => [...stretches.values()].flat())
    .some(({ blocks, edited }) => edited.length > 0 && walksKept(blocks).length > 0)

const wordsOf = (edit: Sketched['edit'], text: string): readonly string[] =>
  edit(
    chain => rulesOf(text, chain).length,
    (chain, number) => rulesOf(text, chain)[number - 1] ?? '',
  ).filter(word => word !== '')

const otherThan = (family: Family): Family => (family === 4 ? 6 : 4)

/** Loads rules of the other family; what edits them comes back. */
async function loadOther(
  t: ExecutionContext,
  { family: own, installed }: Pair,
  { rules, edit }: Sketched,
): Promise<() => Promise<number | undefined>> {
  const family = otherThan(own)
  const file = join(installed.settings.runDirectory, '..', 'others')
  writeFileSync(file, rules)
  await loadFile(t, { family, installed }, file, false)
  return async () => {
    const words = wordsOf(edit, await save({ family, installed }))
    return (await installed.ask({ command: 'iptables', family, words })).generation
  }
}

/** Half of the rule sets are loaded over themselves, so that what goes on counts elsewhere than what is new. */
async function loadFile(
  t: ExecutionContext,
  { family, installed }: Pick<Pair, 'family' | 'installed'>,
  file: string,
  isTwice: boolean,
): Promise<number | undefined> {
  const { code, stderr, generation } = await installed.ask({
    command: 'restore',
    family,
    words: ['-c', file],
  })
  t.is(code, 0, stderr)
  return isTwice ? loadFile(t, { family, installed }, file, false) : generation
}

/** Undefined where a difference was found; then the test has failed. */
export async function editAtRandom(
  t: ExecutionContext,
  { hook, family, seed, sketch, rounds = ROUNDS, beside = false }: Trial,
): Promise<Made | undefined> {
  t.log(`seed ${seed}`)
  const random = seeded(seed)
  const edits = ROUND * rounds
  const { rules, edit } = sketch(random, family)
  const { topology } = aim(parseSave(rules, { family }), { seed })
  const [oracle, host] = [openHost(topology), openHost(topology)]
  const installed = install(host, hook)
  const pair = { family, oracle, host, installed }
  try {
    const file = join(installed.settings.runDirectory, '..', 'rules')
    writeFileSync(file, rules)
    const first = await loadFile(t, pair, file, seed % 2 === 1)
    await legacy.load(oracle, rules)
    const editOther = beside ? await loadOther(t, pair, sketch(random, otherThan(family))) : undefined
    const history = [`seed ${seed}`, rules]
    const policies: Policies = new Map()
    let [quick, kept, amended, walked] = [0, 0, 0, 0]
    let before = treesIn(installed, first)
    for (let at = 0, generation = first; at < edits; at++) {
      if (editOther && at % 3 === 2) generation = (await editOther()) ?? generation
      const words = wordsOf(edit, await save(pair))
      const after = await both(t, pair, words)
      history.push(`${words.join(' ')}${after === generation ? '' : `     # generation ${after}`}`)
      if (after === generation) quick++
      else if (existsSync(join(installed.settings.stateDirectory, `generations/${after}.edits`))) {
        kept++
        const trees = treesIn(installed, after)
        if (trees !== before) amended++
        if (hasWalked(installed, after)) walked++
      }
      before = treesIn(installed, after)
      generation = after
      if ((at + 1) % ROUND !== 0) continue
      const { probes } = aim(parseSave(await save(pair), { family }), { seed: seed + at, limit: 250 })
      oracle.send(probes)
      host.send(probes)
      if (!(await compareNow(t, pair, policies, history))) return undefined
    }
    t.log(
      `${quick} of ${edits} edits were map updates, ${kept} kept look-ups or trees, ${amended} amended trees, ${walked} went on with trees that share a map under changes`,
    )
    return { edits, quick, kept, amended, walked }
  } finally {
    await installed.close()
    oracle.close()
    host.close()
  }
}
