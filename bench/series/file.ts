// Rules from a file, with packets aimed at them.

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { type Family, parseSave, printRuleset, type Rule, type Table, tableOf } from 'iptables-parser'
import { isUnicast } from '../address.ts'
import { aimAt, randomFlow } from '../aim.ts'
import type { Flow } from '../frame.ts'
import type { Course } from '../network.ts'
import { randomFrom } from '../random.ts'
import { spread, type Workload } from '../workload.ts'

const PACKETS = 64

/** How often a packet is drawn for a rule. */
const TRIES = 8

/** No rule meets a packet whose addresses the kernel refuses. */
const comesThrough = ({ family, source, destination }: Flow): boolean =>
  family === 6 || (isUnicast(source) && isUnicast(destination))

const familyOf = (path: string): Family => (/ip6tables|\.v6\b/.test(path) ? 6 : 4)

const textOf = (path: string): string => {
  const bytes = readFileSync(path)
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}

/** The filter table of a file in the form of iptables-save, or one packed by gzip. Throws RuleError where it does not parse. */
export function workloadOf(path: string, seed: number): Workload {
  const family = familyOf(path)
  const whole = parseSave(textOf(path), { family, name: path })
  const table = tableOf(whole, 'filter')
  if (!table) throw new Error(`${path} has no table filter`)
  const random = randomFrom(seed)
  const rules = table.chains.flatMap(chain => chain.rules)
  const aimed = (rule: Rule | undefined): readonly Flow[] =>
    Array.from({ length: TRIES }, () => (rule ? aimAt(rule, family, random) : randomFlow(family, random)))
      .filter(comesThrough)
      .slice(0, 1)
  return {
    family,
    course: busiest(table),
    rules: rules.length,
    text: printRuleset({ family, tables: [table] }),
    traffic: [
      ...(rules.length > 0
        ? [
            {
              kind: 'spread' as const,
              flows: spread(rules.length, PACKETS).flatMap(index => aimed(rules[index])),
            },
          ]
        : []),
      { kind: 'random', flows: Array.from({ length: PACKETS }, () => randomFlow(family, random)) },
    ],
  }
}

/** The base chain that more rules can be reached from. */
const busiest = (table: Table): Course =>
  reachable(table, 'FORWARD') > reachable(table, 'INPUT') ? 'FORWARD' : 'INPUT'

function reachable({ chains }: Table, base: string): number {
  const seen = new Set([base])
  let rules = 0
  for (const name of seen)
    for (const { target } of chains.find(chain => chain.name === name)?.rules ?? []) {
      rules++
      if (target && 'chain' in target) seen.add(target.chain)
    }
  return rules
}
