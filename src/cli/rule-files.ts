// Rule files given to a command: read, parsed, and what of them bpftables takes.

import { type Family, iptablesName, type Ruleset } from 'iptables-parser'
import {
  parseRuleFile,
  type ReadRuleset,
  readRuleFiles,
  tablesLeft,
  withOwnTable,
} from '../service/rule-file.ts'
import { UsageError } from './error.ts'

/** A file whose filter table bpftables is to run. */
export interface OwnRuleset {
  readonly ruleset: Ruleset
  readonly text: string
}

/** Reads files of any family, at most one filter table for each. Says on standard error which tables it leaves alone. */
export async function readOwnRulesets(
  names: readonly string[],
  family?: Family,
): Promise<readonly OwnRuleset[]> {
  const files = await readRuleFiles(names)
  const own = files.flatMap(file => parseRuleFile(file, family)).flatMap(ownOf)
  requireOneEach(own)
  if (own.length === 0)
    throw new UsageError('there is no filter table in what was given, and that is the one bpftables runs')
  return own
}

function ownOf({ file, ruleset }: ReadRuleset): OwnRuleset[] {
  const left = tablesLeft(ruleset).map(({ name }) => name)
  if (left.length > 0)
    process.stderr.write(
      `${file.name}: left to the kernel's own ${iptablesName(ruleset.family)}: ${left.join(', ')}\n`,
    )
  const own = withOwnTable(ruleset)
  return own ? [{ ruleset: own, text: file.text }] : []
}

function requireOneEach(own: readonly OwnRuleset[]): void {
  for (const family of [4, 6])
    if (own.filter(({ ruleset }) => ruleset.family === family).length > 1)
      throw new UsageError(
        `more than one file holds IPv${family} rules`,
        'Give one file of each family, or say with --family which one they are.',
      )
}
