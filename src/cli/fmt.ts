import { type Family, printRuleset } from 'iptables-parser'
import { parseRuleFile, readRuleFiles } from '../service/rule-file.ts'
import { defineCommand, familyOption } from './command.ts'
import { exitCode } from './error.ts'
import { fileOperands, requireFiles } from './operand.ts'

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
      .example('ssh gateway iptables-save | $0 fmt -', 'what another machine runs'),
  async run({ file = [], family, counters }) {
    requireFiles(file, 'fmt')
    for (const read of await readRuleFiles(file)) {
      const { ruleset } = parseRuleFile(read, family as Family | undefined)
      process.stdout.write(printRuleset(ruleset, { counters }))
    }
    return exitCode.done
  },
})
