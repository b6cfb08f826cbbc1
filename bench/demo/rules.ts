// The rule sets of the demo.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Family, parseSave, type Ruleset } from 'iptables-parser'

/** The project's directory, from dist/bench/demo. */
export const projectDirectory = fileURLToPath(new URL('../../..', import.meta.url))

/** By where they lie in the project. */
export const ruleFiles = {
  ipv4: 'fixtures/rulesets/demo/rules.v4',
  ipv6: 'fixtures/rulesets/demo/rules.v6',
  changed: 'fixtures/rulesets/demo/changed.v4',
} as const

export const textOf = (file: string): string => readFileSync(join(projectDirectory, file), 'utf8')

const readRuleset = (file: string, family: Family): Ruleset => parseSave(textOf(file), { family, name: file })

export const readRulesets = (): readonly [ipv4: Ruleset, ipv6: Ruleset] => [
  readRuleset(ruleFiles.ipv4, 4),
  readRuleset(ruleFiles.ipv6, 6),
]

export const countRules = ({ tables }: Ruleset): number =>
  tables.reduce((sum, table) => sum + table.chains.reduce((rules, chain) => rules + chain.rules.length, 0), 0)

export const countChains = ({ tables }: Ruleset): number =>
  tables.reduce((sum, { chains }) => sum + chains.length, 0)
