// Rule files given to a command: read, parsed, and what of them bpftables takes.

import { type Family, iptablesName, printRuleset, type Ruleset, type Table } from 'iptables-parser'
import { type LeftTable, shareOut } from '../../translator/table.ts'
import { parseRuleFile, type ReadRuleset, type RuleFile, readRuleFiles } from '../service/rule-file.ts'
import { UsageError } from './error.ts'

/** A file, and what of it programs are made of. */
export interface OwnRuleset {
  /** Tables of ours alone; there may be none. */
  readonly ruleset: Ruleset
  /** What to keep as their text. */
  readonly text: string
  /** What the kernel's own iptables is to have. */
  readonly left: readonly LeftTable[]
  readonly file: RuleFile
}

/** Reads files of any family, at most one for each. Says on standard error which tables it leaves to the kernel's own iptables. */
export async function readOwnRulesets(
  names: readonly string[],
  family?: Family,
): Promise<readonly OwnRuleset[]> {
  const files = await readRuleFiles(names)
  const own = files.flatMap(file => parseRuleFile(file, family)).map(ownOf)
  requireOneEach(own)
  return own
}

function ownOf({ file, ruleset: whole }: ReadRuleset): OwnRuleset {
  const { own: ruleset, left } = shareOut(whole)
  const holding = left.filter(({ table }) => !isIdle(table)).map(({ table }) => table.name)
  if (holding.length > 0)
    process.stderr.write(
      `${file.name}: left to the kernel's own ${iptablesName(whole.family)}: ${holding.join(', ')}\n`,
    )
  const text = left.length === 0 ? file.text : printRuleset(ruleset, { remarks: true })
  return { ruleset, text, left, file }
}

/** A table that lets everything through unchanged. */
const isIdle = ({ chains }: Table): boolean =>
  chains.every(({ rules, policy }) => rules.length === 0 && policy === 'ACCEPT')

function requireOneEach(own: readonly OwnRuleset[]): void {
  for (const family of [4, 6])
    if (own.filter(({ ruleset }) => ruleset.family === family).length > 1)
      throw new UsageError(
        `more than one file holds IPv${family} rules`,
        'Give one file of each family, or say with --family which one they are.',
      )
}
