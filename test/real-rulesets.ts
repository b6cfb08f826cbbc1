// Rule sets that people run, where a collection of them lies beside the working tree.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type Family, parseSave, RuleError, type Ruleset } from 'iptables-parser'

export interface RealRuleset {
  /** `fwbuilder/firewall4.iptables-save`. */
  readonly name: string
  readonly family: Family
  /** Its filter table, with all counters zero; else as it is. */
  readonly text: string
}

/** Seen from dist/test. */
const root = new URL('../../', import.meta.url)

const findFolder = (): URL | undefined =>
  ['../shared/rulesets/real/', '../../shared/rulesets/real/']
    .map(path => new URL(path, root))
    .find(url => existsSync(url))

const filterTable = /^\*filter\n[\s\S]*?^COMMIT$/m
const counters = /^(:\S+ \S+ |)\[\d+:\d+\]/gm

const readRuleset = (url: URL): readonly RealRuleset[] => {
  const [table] = filterTable.exec(readFileSync(url, 'utf8')) ?? []
  if (table === undefined) return []
  const [file = '', tool = ''] = [basename(url.pathname), basename(new URL('.', url).pathname)]
  const family = file.endsWith('.ip6tables-save') ? 6 : 4
  return [{ name: `${tool}/${file}`, family, text: `${table.replace(counters, '$1[0:0]')}\n` }]
}

/** The filter tables of the collection, by name; undefined where there is no collection. */
export const realRulesets = (): readonly RealRuleset[] | undefined => {
  const folder = findFolder()
  if (folder === undefined) return undefined
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('-save'))
    .sort()
    .flatMap(name => readRuleset(new URL(name, folder)))
}

/** Undefined where iptables would refuse it: some of the collection are snippets of a larger set. */
export const parsed = ({ text, family, name }: RealRuleset): Ruleset | undefined => {
  try {
    return parseSave(text, { family, name })
  } catch (error) {
    if (error instanceof RuleError) return undefined
    throw error
  }
}
