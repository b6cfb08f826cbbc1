import { type Family, printRuleset } from 'iptables-parser'
import { parseRuleFile, type RuleFile, readRuleFiles } from '../service/rule-file.ts'
import { defineCommand, familyOption } from './command.ts'
import { exitCode } from './error.ts'
import { fileOperands, requireFiles } from './operand.ts'

/**
 * The rules of a file as iptables-save prints them (with `counters`, iptables-save -c) after iptables-restore (-c) has loaded them
 * into a fresh network namespace: without -c policies begin at zero. Throws RuleError.
 *
 * Tables stay in the order of the file, where the kernel's order says which of its tables were first used (the latest stands first).
 */
export function formatRuleFile(file: RuleFile, family: Family | undefined, counters: boolean): string {
  const read = parseRuleFile(file, family, counters ? {} : { counters: false })
  return read.map(({ ruleset }) => printRuleset(ruleset, { counters })).join('')
}

export const command = defineCommand({
  options: yargs =>
    yargs
      .positional('file', fileOperands)
      .option('family', familyOption)
      .option('counters', {
        alias: 'c',
        type: 'boolean',
        default: false,
        describe: 'Print counters, as -c does',
      })
      .example('$0 fmt rules.v4', 'the rules in canonical form')
      .example('$0 fmt --counters rules.v4 rules.v6', 'both families, with their counters')
      .example('$0 fmt firewall.sh', 'iptables commands, one a line, as the rules they make')
      .example('ssh gateway iptables-save | $0 fmt -', 'what another machine runs'),
  async run({ file = [], family, counters }) {
    requireFiles(file, 'fmt')
    for (const read of await readRuleFiles(file))
      process.stdout.write(formatRuleFile(read, family as Family | undefined, counters))
    return exitCode.done
  },
})
