// Rules as items, as the program of a lane asks for them.

import { type Family, parseSave, type Rule } from 'iptables-parser'
import { earlyItems } from '../../../translator/early.ts'
import { type Item, RuleUntranslatable, ruleItems } from '../../../translator/item.ts'
import { Untranslatable } from '../../../translator/match/translate.ts'
import type { IndexedChain } from './chain-table.ts'
import type { EditedText, IndexedLane } from './index-file.ts'
import { calledIn, linePrefix } from './request.ts'
import type { ChainPlace, EditState } from './state.ts'

/** Undefined where the hook cannot hold the rule. */
export function itemsOf(rule: Rule, { lane, family }: IndexedLane): readonly Item[] | undefined {
  try {
    return lane.early ? earlyItems(rule, 0, lane, family) : ruleItems(rule, 0, lane, family)
  } catch (error) {
    if (error instanceof RuleUntranslatable || error instanceof Untranslatable) return undefined
    throw error
  }
}

/** A rule that was put into what programs hold, or taken out of it. */
export interface EditedRule {
  readonly rule: Rule
  readonly items: readonly Item[]
}

/** Rules of a chain that were edited, each as if it stood alone; undefined where the hook cannot hold one. */
export function editedRules(
  state: EditState,
  at: number,
  { family, table, chain: name }: ChainPlace,
  edited: readonly EditedText[],
): readonly EditedRule[] | undefined {
  const lane = state.index.lanes[at]
  if (edited.length === 0 || !lane) return []
  const named = new Set([name, ...edited.flatMap(({ rule }) => calledIn(rule) ?? [])])
  const own = [...named].flatMap(chain => state.chain({ family, table, chain }) ?? [])
  const text = saveText(table, family, own, new Map([[name, edited.map(({ rule }) => rule)]]))
  const { tables } = parseSave(text, { family, name: 'the rules that were edited' })
  const rules = tables
    .flatMap(({ chains }) => chains.flatMap(({ rules }) => rules))
    .flatMap(rule => {
      const items = itemsOf(rule, lane)
      return items ? [{ rule, items }] : []
    })
  return rules.length === edited.length ? rules : undefined
}

/** Chains with rules, those by their names, as iptables-save prints them. */
export function saveText(
  table: string,
  family: Family,
  chains: readonly IndexedChain[],
  rules: ReadonlyMap<string, readonly string[]>,
): string {
  const heads = chains.map(({ name, policy }) => `:${name} ${policy?.verdict ?? '-'} [0:0]\n`)
  const lines = [...rules].flatMap(([name, texts]) =>
    texts.map(text => `${linePrefix(name, family)}${text}\n`),
  )
  return [`*${table}\n`, ...heads, ...lines, 'COMMIT\n'].join('')
}
