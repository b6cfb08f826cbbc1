// The collection of rule sets: what iptables refuses of it, and which real ones translate at which hook.

import { parseSave, RuleError, type Ruleset, tableOf } from 'iptables-parser'
import { newLayout } from '../../translator/counter.ts'
import { lanesOf } from '../../translator/lane.ts'
import { type Refusal, translate } from '../../translator/translate.ts'
import type { CollectedFile } from '../collection.ts'
import { code, paragraphs, table, tally } from './markdown.ts'
import { type Obstacle, obstacles } from './obstacle.ts'

const HOOKS = ['netfilter', 'xdp', 'tc'] as const
type HookName = (typeof HOOKS)[number]

interface Read {
  readonly file: CollectedFile
  /** Of the filter table. */
  readonly rules: number
  readonly inTheWay: Readonly<Record<HookName, readonly Obstacle[]>>
}

function read(file: CollectedFile): Ruleset | RuleError {
  try {
    return parseSave(file.text, { family: file.family, name: file.name })
  } catch (error) {
    if (error instanceof RuleError) return error
    throw error
  }
}

/** What is in the way at a hook; empty where the rule set translates. */
function inTheWay(ruleset: Ruleset, hook: HookName): readonly Obstacle[] {
  const counters = newLayout([ruleset])
  const translation = translate([ruleset], { lanes: lanesOf(hook, [ruleset.family]), counters })
  if (translation.kind === 'translated') return []
  return translation.refusals.flatMap(refusal => obstaclesOf(refusal, ruleset))
}

function obstaclesOf(
  { lane, rule: { chain, number }, reason }: Refusal,
  ruleset: Ruleset,
): readonly Obstacle[] {
  const chains = tableOf(ruleset, 'filter')?.chains ?? []
  const rule = chains.find(({ name }) => name === chain)?.rules[number - 1]
  const found = rule ? obstacles(rule, lane, ruleset.family) : []
  return found.length > 0 ? found : [{ option: 'rule', reason }]
}

function readFilter(file: CollectedFile): Read[] {
  const ruleset = read(file)
  if (ruleset instanceof RuleError) return []
  const filter = tableOf(ruleset, 'filter')
  if (!filter) return []
  const own: Ruleset = { family: ruleset.family, tables: [filter] }
  const rules = filter.chains.reduce((sum, chain) => sum + chain.rules.length, 0)
  const at = (hook: HookName): readonly Obstacle[] => inTheWay(own, hook)
  return [{ file, rules, inTheWay: { netfilter: at('netfilter'), xdp: at('xdp'), tc: at('tc') } }]
}

/** `-m limit` 2, `-j LOG` 1: of so many rules each. */
const summary = (found: readonly Obstacle[]): string =>
  tally(found.map(({ option }) => option))
    .map(([option, count]) => `${code(option)} ${count}`)
    .join(', ')

function cells({ inTheWay: { netfilter, xdp, tc } }: Read): readonly string[] {
  const [atNetfilter, atXdp, atTc] = [netfilter, xdp, tc].map(found => summary(found) || 'yes')
  const same = (text: string | undefined, as: string | undefined, name: string): string =>
    text !== 'yes' && text === as ? `as ${name}` : (text ?? '')
  return [
    atNetfilter ?? '',
    same(atXdp, atNetfilter, 'netfilter'),
    atTc !== 'yes' && atTc === atNetfilter ? 'as netfilter' : same(atTc, atXdp, 'xdp'),
  ]
}

const shortName = (file: CollectedFile): string => code(file.name.replace(/^real\//, ''))

/** Files that only make sense within others, or were made unreadable before they were published. */
function refusedRows(files: readonly CollectedFile[]): readonly (readonly string[])[] {
  return files.flatMap(file => {
    const ruleset = read(file)
    return ruleset instanceof RuleError ? [[shortName(file), ruleset.message]] : []
  })
}

export function fmtSection(files: readonly CollectedFile[]): string {
  const refused = refusedRows(files)
  return paragraphs(
    '## Rule files, read and printed',
    `Of ${files.length} rule files, ${files.length - refused.length} are printed by \`bpftables fmt\` (and \`fmt --counters\`) as iptables-legacy-save (\`-c\`) prints them after ` +
      `iptables-legacy-restore (\`-c\`) has loaded them, line for line, and ${refused.length} are refused by both. \`test/kernel/fmt.test.ts\` compares all of them and knows no ` +
      'exceptions; `test/rules/collection.test.ts` holds that nothing is lost by printing and reading again, remarks included.',
    [
      '- Without `--counters` the policies count from zero, as they do after a restore without `-c`.',
      '- Tables stay in the order of the file. The kernel lists the table that was first used last at the top, so that loading what iptables-save prints turns its order round.',
      '- Remarks (`# …`) are left out, as iptables-save has none.',
    ].join('\n'),
    table(['refused by both', 'because'], refused),
  )
}

interface Way {
  readonly option: string
  readonly reason: string
  readonly sets: Readonly<Record<HookName, number>>
  readonly rules: number
}

function ways(all: readonly Read[]): readonly Way[] {
  const found = all.flatMap(({ inTheWay: at }) => [...at.netfilter, ...at.xdp, ...at.tc])
  const keys = tally(found.map(({ option, reason }) => JSON.stringify([option, reason])))
  return keys
    .map(([key]): Way => {
      const [option = '', reason = ''] = JSON.parse(key) as string[]
      const is = (one: Obstacle): boolean => one.option === option && one.reason === reason
      const sets = (hook: HookName): number => all.filter(one => one.inTheWay[hook].some(is)).length
      const rules = (hook: HookName): number =>
        all.reduce((sum, one) => sum + one.inTheWay[hook].filter(is).length, 0)
      return {
        option,
        reason,
        sets: { netfilter: sets('netfilter'), xdp: sets('xdp'), tc: sets('tc') },
        rules: Math.max(...HOOKS.map(rules)),
      }
    })
    .sort((a, b) => b.sets.netfilter - a.sets.netfilter || b.sets.xdp - a.sets.xdp || b.rules - a.rules)
}

export function translationSection(files: readonly CollectedFile[]): string {
  const all = files.filter(({ name }) => name.startsWith('real/')).flatMap(readFilter)
  const whole = (hook: HookName): string =>
    `${all.filter(one => one.inTheWay[hook].length === 0).length} at ${hook}`
  return paragraphs(
    '## Real rule sets',
    `Of ${all.length} real rule sets with a filter table, these translate as a whole: ${HOOKS.map(whole).join(', ')}. ` +
      'For the others the tables name every match and target that is in the way. A rule that has two of them counts for both.',
    table(
      ['in the way', 'because', 'sets at netfilter', 'at xdp', 'at tc', 'rules'],
      ways(all).map(({ option, reason, sets, rules }) => [
        code(option),
        reason,
        sets.netfilter,
        sets.xdp,
        sets.tc,
        rules,
      ]),
    ),
    table(
      ['rule set', 'filter rules', 'netfilter', 'xdp', 'tc'],
      all.map(one => [shortName(one.file), one.rules, ...cells(one)]),
    ),
  )
}
