// Which matches and targets are translated at which hook, found by translating the accepted cases of fixtures/.

import { parseSave, type Rule, tableOf } from 'iptables-parser'
import type { Lane } from '../../translator/lane.ts'
import { matchTranslators } from '../../translator/match/registry.ts'
import { targetTranslators } from '../../translator/target/registry.ts'
import { type CaseFile, type ExtensionCase, ruleFile } from '../rules/extension-cases.ts'
import { code, paragraphs, table, tally } from './markdown.ts'
import { obstacles } from './obstacle.ts'

const HOOKS = ['netfilter', 'xdp', 'tc'] as const
type HookName = (typeof HOOKS)[number]

const NETFILTER_HOOKS = { INPUT: 'nf-input', FORWARD: 'nf-forward', OUTPUT: 'nf-output' } as const

/** The lane that a case is for; xdp and tc run INPUT. */
function laneFor(hook: HookName, { chain, family }: ExtensionCase): Lane | undefined {
  if (hook === 'netfilter')
    return Object.hasOwn(NETFILTER_HOOKS, chain)
      ? { hook: NETFILTER_HOOKS[chain as keyof typeof NETFILTER_HOOKS], family }
      : undefined
  return chain === 'INPUT' ? { hook: hook === 'xdp' ? 'xdp' : 'tc-ingress' } : undefined
}

function ruleOf(one: ExtensionCase): Rule | undefined {
  const filter = tableOf(parseSave(ruleFile(one), { family: one.family }), 'filter')
  return filter?.chains.find(({ name }) => name === one.chain)?.rules[0]
}

interface Support {
  /** Cases tried, and how many translate. */
  readonly tried: number
  readonly translated: number
  readonly reasons: readonly string[]
}

function supportAt(hook: HookName, option: string, cases: readonly ExtensionCase[]): Support {
  const found = cases.flatMap(one => {
    const lane = laneFor(hook, one)
    const rule = lane && ruleOf(one)
    if (!lane || !rule) return []
    return [obstacles(rule, lane, one.family).filter(obstacle => obstacle.option === option)]
  })
  return {
    tried: found.length,
    translated: found.filter(each => each.length === 0).length,
    reasons: found.flat().map(({ reason }) => reason),
  }
}

const cell = ({ tried, translated }: Support): string => {
  if (tried === 0) return '–'
  if (translated === tried) return 'yes'
  return translated === 0 ? 'no' : `${translated} of ${tried}`
}

function row(kind: string, option: string, files: readonly CaseFile[]): readonly string[] {
  const cases = files
    .filter(({ extension }) => extension === kind)
    .flatMap(file => file.cases)
    .filter(one => one.table === 'filter' && one.printed !== undefined)
  const support = HOOKS.map(hook => supportAt(hook, option, cases))
  const reasons = tally(support.flatMap(({ reasons: all }) => all)).map(([reason]) => reason)
  const none = cases.length === 0 ? 'stands in other tables than filter' : ''
  return [code(option), ...support.map(cell), reasons.join('; ') || none]
}

export function extensionsSection(fixtures: readonly CaseFile[]): string {
  const known = (kinds: object): string[] => Object.keys(kinds).filter(kind => kind !== 'unknown')
  const head = [...HOOKS, 'what is in the way']
  return paragraphs(
    '## Matches and targets by hook',
    'Found by translating the accepted cases of `fixtures/` that stand in the filter table: `k of n` means that so many of them translate. ' +
      'xdp and tc run INPUT; FORWARD and OUTPUT are always run at netfilter. What has no case in the filter table has a dash.',
    table(
      ['match', ...head],
      known(matchTranslators).map(kind => row(kind, `-m ${kind}`, fixtures)),
    ),
    table(
      ['target', ...head],
      known(targetTranslators).map(kind => row(kind, `-j ${kind}`, fixtures)),
    ),
  )
}
