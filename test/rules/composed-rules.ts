// Random rules over all extensions: each is put together from cases of our tables, which hold every extension in many forms.

import fc from 'fast-check'
import { baseChains, type Family, parseSave, type Rule, type Ruleset } from 'iptables-parser'
import { type ExtensionCase, fixtureFiles, ruleFile } from './extension-cases.ts'

/** A case that is accepted, and the rule it reads as. */
interface Read {
  readonly one: ExtensionCase
  readonly rule: Rule
}

const ruleOf = (one: ExtensionCase): Rule[] => {
  const chains = parseSave(ruleFile(one), { family: one.family }).tables.flatMap(table => table.chains)
  return chains.find(chain => chain.name === one.chain)?.rules.slice(0, 1) ?? []
}

/** Cases that may stand in one rule: of one table, chain and family, asking for one protocol or none. */
const groupOf = ({ one, rule }: Read): string =>
  `${one.family} ${one.table} ${one.chain} ${rule.protocol?.negated ? '!' : ''}${rule.protocol?.value ?? ''}`

const grouped = (family: Family): Map<string, Read[]> => {
  const reads = fixtureFiles()
    .flatMap(file => file.cases.filter(one => one.family === family && one.printed !== undefined))
    .flatMap(one => ruleOf(one).map(rule => ({ one, rule })))
  const groups = new Map<string, Read[]>()
  for (const read of reads) groups.set(groupOf(read), [...(groups.get(groupOf(read)) ?? []), read])
  return groups
}

/** The names of all extensions that composed rules may hold. */
export const composedKinds = (family: Family): ReadonlySet<string> =>
  new Set(
    [...grouped(family).values()]
      .flat()
      .flatMap(({ rule }) => [
        ...rule.matches.map(({ kind }) => kind),
        ...(rule.target ? [rule.target.kind] : []),
      ]),
  )

/** Rule sets of one rule, with the addresses of one case, the matches of several and the target of another. */
export function composedRules(family: Family): fc.Arbitrary<Ruleset> {
  const pools = [...grouped(family).values()]
  return fc
    .constantFrom(...pools)
    .chain(pool =>
      fc
        .tuple(fc.array(fc.constantFrom(...pool), { minLength: 1, maxLength: 3 }), fc.constantFrom(...pool))
        .map(([parts, last]) => compose(family, parts, last)),
    )
}

function compose(family: Family, parts: readonly Read[], last: Read): Ruleset {
  const [{ one, rule } = last] = parts
  const matches = parts.flatMap(part => part.rule.matches)
  const { target: _, ...rest } = rule
  const composed: Rule = { ...rest, matches, ...(last.rule.target && { target: last.rule.target }) }
  const userChains = [...new Set([...parts, last].flatMap(part => part.one.userChains))]
  const chains = [
    ...baseChains[one.table].map(name => ({
      name,
      policy: 'ACCEPT' as const,
      rules: name === one.chain ? [composed] : [],
    })),
    ...userChains.map(name => ({ name, rules: name === one.chain ? [composed] : [] })),
  ]
  return { family, tables: [{ name: one.table, chains }] }
}
