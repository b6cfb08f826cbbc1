import {
  evaluate,
  type Family,
  iptablesName,
  parseCommand,
  type Ruleset,
  type TableName,
} from 'iptables-parser'
import { type Counted, countedRules } from '../../translator/counter.ts'
import { examplePacket } from '../explain/packet.ts'
import { withMatches } from '../explain/words.ts'
import { requireLive } from '../service/live.ts'
import { readSettings } from '../service/settings.ts'
import { defineCommand, familyOption, jsonOption } from './command.ts'
import { exitCode, UsageError } from './error.ts'
import { readOwnRulesets } from './rule-files.ts'

/** Which rules a packet meets, in order, and what becomes of it. */
export interface Explanation {
  readonly verdict: 'ACCEPT' | 'DROP'
  readonly path: readonly { readonly chain: string; readonly number: number; readonly rule: string }[]
}

export const command = defineCommand({
  options: yargs =>
    yargs
      .parserConfiguration({ 'unknown-options-as-args': true, 'parse-positional-numbers': false })
      .positional('packet', {
        type: 'string',
        array: true,
        describe: 'Options of a rule that is for this packet alone',
      })
      .option('chain', { type: 'string', default: 'INPUT', describe: 'The base chain the packet enters' })
      .option('table', { alias: 't', type: 'string', default: 'filter', describe: 'Its table' })
      .option('file', { type: 'string', describe: 'Ask these rules; else those in force' })
      .option('family', { ...familyOption, describe: 'IP version; told by the addresses if not given' })
      .option('json', jsonOption)
      .example(
        '$0 explain -i eth0 -p tcp -s 192.0.2.1 --sport 40000 -d 198.51.100.2 --dport 22 --syn --ctstate NEW',
        'what becomes of it in INPUT',
      )
      .example(
        '$0 explain --chain FORWARD --file rules.v4 -i lan0 -o wan0 -p udp --dport 53',
        'before they are loaded',
      ),
  async run({ packet: words = [], chain, table, file, family, json }) {
    const own = family === undefined ? familyOfWords(words) : (family as Family)
    const ruleset = await rulesetOf(own, file)
    const explanation = explain(ruleset, { table: table as TableName, chain, words: words.map(String) })
    process.stdout.write(json ? `${JSON.stringify(explanation)}\n` : print(explanation))
    return exitCode.done
  },
})

const familyOfWords = (words: readonly string[]): Family =>
  words.some(
    (word, index) =>
      /^(-[sd]|--src|--dst|--source|--destination)$/.test(words[index - 1] ?? '') && word.includes(':'),
  )
    ? 6
    : 4

async function rulesetOf(family: Family, file: string | undefined): Promise<Ruleset> {
  const rulesets = file === undefined ? requireLive(readSettings()).rulesets : await readOwnRulesets([file])
  const found = rulesets.map(({ ruleset }) => ruleset).find(ruleset => ruleset.family === family)
  if (found) return found
  throw new UsageError(
    `there are no rules for ${iptablesName(family)}`,
    'Say with --family which ones to ask.',
  )
}

interface Question {
  readonly table: TableName
  readonly chain: string
  readonly words: readonly string[]
}

function explain(ruleset: Ruleset, { table, chain, words }: Question): Explanation {
  const command = parseCommand(['-t', table, '-A', chain, ...withMatches(words)], ruleset.family)
  const [rule, more] = command.kind === 'append' ? command.rules : []
  if (!rule || more) throw new UsageError('a packet has one source and one destination')
  const { packet, assumed } = examplePacket(rule, ruleset.family)
  if (assumed.length > 0) process.stderr.write(`taken for granted: ${assumed.join(' ')}\n`)
  const { verdict, path } = evaluate(ruleset, table, chain, packet)
  const rules = new Map(countedRules([ruleset]).map(counted => [keyOf(counted), counted.rule]))
  return {
    verdict: verdict === 'accept' ? 'ACCEPT' : 'DROP',
    path: path.map(step => ({ ...step, rule: rules.get(keyOf({ ...step, table })) ?? '' })),
  }
}

const keyOf = ({ table, chain, number }: Pick<Counted, 'table' | 'chain' | 'number'>): string =>
  `${table} ${number} ${chain}`

/** A rule a line, then the verdict. */
function print({ verdict, path }: Explanation): string {
  const places = path.map(({ chain, number }) => (number === 0 ? `${chain} policy` : `${chain} ${number}`))
  const width = Math.max(0, ...places.map(place => place.length))
  const lines = path.map(({ rule }, index) => `${(places[index] ?? '').padEnd(width)}  ${rule}`)
  return `${[...lines, path.length === 0 ? `${verdict}: malformed, no rule counts it` : verdict].join('\n')}\n`
}
