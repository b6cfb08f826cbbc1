// iptables -C without parsing the rules in force.

import { type Command, noSuchRule, printRule, type RuleCommand } from 'iptables-parser'
import { currentNamespace, readGenerationWord } from '../live.ts'
import type { Settings } from '../settings.ts'
import { isPlain } from './request.ts'
import { openState } from './state.ts'

/**
 * Whether a chain has the rules of a command; false where the rules in force must be parsed to say. Throws RuleError as iptables does where
 * it certainly has not.
 */
export function hasRule(settings: Settings, command: Command & RuleCommand): boolean {
  const { family, table, chain, rules, refused, span } = command
  const generation = readGenerationWord(settings)
  const state = generation === undefined ? undefined : openState(settings, generation)
  const lines = state?.lines({ family, table, chain })
  if (!lines || state?.index.namespace !== currentNamespace()) return false
  if (refused || !rules.every(isPlain)) return false
  if (rules.every(rule => lines.find(printRule(rule, family), 1).length > 0)) return true
  throw noSuchRule(span)
}
