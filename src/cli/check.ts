import {
  chainOf,
  type Family,
  formatError,
  place,
  type Ruleset,
  type Span,
  type Table,
} from 'iptables-parser'
import { newLayout } from '../../translator/counter.ts'
import { type DeadRule, deadParts } from '../../translator/dead.ts'
import { lanesFor } from '../../translator/lane.ts'
import { translate } from '../../translator/translate.ts'
import { defineCommand, familyOption, translatedHookOption } from './command.ts'
import { exitCode } from './error.ts'
import { fileOperands, requireFiles } from './operand.ts'
import { describeRefusal } from './refusal.ts'
import { readOwnRulesets } from './rule-files.ts'

export const command = defineCommand({
  options: yargs =>
    yargs
      .positional('file', fileOperands)
      .option('hook', translatedHookOption)
      .option('family', familyOption)
      .example('$0 check rules.v4 rules.v6', 'both families')
      .example('$0 check --hook xdp rules.v4', 'could XDP hold them?'),
  async run({ file = [], hook, family }) {
    requireFiles(file, 'check')
    const rulesets = (await readOwnRulesets(file, family as Family | undefined)).map(({ ruleset }) => ruleset)
    const refused = refusals(rulesets, hook)
    const dead = rulesets.flatMap(deadEnds)
    for (const finding of [...refused, ...dead]) process.stderr.write(`${finding}\n`)
    process.stderr.write(`${summary(refused.length, dead.length)}\n`)
    return refused.length > 0 ? exitCode.failed : exitCode.done
  },
})

function refusals(rulesets: readonly Ruleset[], hook: 'xdp' | 'tc' | 'netfilter'): string[] {
  const translation = translate(rulesets, {
    lanes: lanesFor(hook, rulesets),
    counters: newLayout(rulesets),
  })
  return translation.kind === 'refused' ? translation.refusals.map(describeRefusal) : []
}

const deadEnds = ({ family, tables }: Ruleset): string[] => tables.flatMap(table => deadIn(table, family))

/** What no packet meets, each as a message. */
function deadIn(table: Table, family: Family): string[] {
  const { rules, chains } = deadParts(table, family)
  return [
    ...rules.map(dead => describeDead(dead, number => chainOf(table, dead.chain)?.rules[number - 1]?.span)),
    ...chains.map(({ name, span }) =>
      formatError({
        message: `no packet gets to the chain ${name}`,
        span,
        hint: 'no rule that packets meet leads to it',
      }),
    ),
  ]
}

type SpanOf = (number: number) => Span | undefined

function describeDead({ chain, number, rule, reason }: DeadRule, spanOf: SpanOf): string {
  const message = `no packet meets rule ${number} of ${chain}`
  const { span } = rule
  if (reason.kind === 'contradiction')
    return formatError({ message: `${message}: it contradicts itself`, span })
  return formatError({ message, span, hint: `all it would match is taken by ${takers(reason.by, spanOf)}` })
}

/** "rule 3 (rules.v4:7:1)". */
function takers(numbers: readonly number[], spanOf: SpanOf): string {
  const named = numbers.slice(0, MOST_NAMED).map(number => {
    const span = spanOf(number)
    return span ? `${number} (${place(span)})` : `${number}`
  })
  const more = numbers.length - named.length
  return `rule${numbers.length === 1 ? '' : 's'} ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** Of the rules that take another's packets between them. */
const MOST_NAMED = 4

function summary(refused: number, dead: number): string {
  const rules =
    refused === 0
      ? 'all rules translate'
      : refused === 1
        ? 'one rule does not translate'
        : `${refused} rules do not translate`
  return dead === 0
    ? rules
    : `${rules}; ${dead === 1 ? 'one rule or chain is' : `${dead} rules or chains are`} met by no packet`
}
