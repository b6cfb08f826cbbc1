// Rule sets that people run, where a collection of them lies beside the working tree.

import { type Family, parseSave, RuleError, type Ruleset } from 'iptables-parser'
import { collectedFiles } from './collection.ts'

export interface RealRuleset {
  /** `fwbuilder/firewall4.iptables-save`. */
  readonly name: string
  readonly family: Family
  /** Its filter table, with all counters zero; else as it is. */
  readonly text: string
}

const filterTable = /^\*filter\n[\s\S]*?^COMMIT$/m
const counters = /^(:\S+ \S+ |)\[\d+:\d+\]/gm

const REAL = 'real/'

/** The filter tables of the collection's real rule sets, by name; undefined where there is no collection. */
export const realRulesets = (): readonly RealRuleset[] | undefined =>
  collectedFiles()
    ?.filter(({ name }) => name.startsWith(REAL))
    .flatMap(({ name, family, text }) => {
      const [table] = filterTable.exec(text) ?? []
      if (table === undefined) return []
      return [{ name: name.slice(REAL.length), family, text: `${table.replace(counters, '$1[0:0]')}\n` }]
    })

/** Undefined where iptables would refuse it: some of the collection are snippets of a larger set. */
export const parsed = ({ text, family, name }: RealRuleset): Ruleset | undefined => {
  try {
    return parseSave(text, { family, name })
  } catch (error) {
    if (error instanceof RuleError) return undefined
    throw error
  }
}
