import { uptime } from 'node:os'
import { type TableName, tableNames } from 'iptables-parser'
import { requireLive } from '../service/live.ts'
import { readSettings } from '../service/settings.ts'
import { readAndRecord } from '../stats/record.ts'
import { parseDuration, parseTime } from '../stats/time.ts'
import { zeroHits } from '../stats/zero.ts'
import { defineCommand, jsonOption } from './command.ts'
import { UsageError } from './error.ts'
import { type Question, showHits } from './stats-show.ts'
import { showWatch } from './stats-watch.ts'
import { parseWait, waitOption } from './wait.ts'

export const command = defineCommand({
  options: yargs =>
    yargs
      .option('json', jsonOption)
      .option('chain', { type: 'string', describe: 'Only rules of this chain' })
      .option('table', { choices: tableNames, describe: 'Only rules of this table' })
      .option('top', { type: 'string', describe: 'Only the N rules with the most packets' })
      .option('since', {
        type: 'string',
        describe: 'Hits since a time: ISO 8601, 10m, 2h or 3d ago, today, yesterday, boot',
      })
      .option('unused', { type: 'string', describe: 'Only rules that were not hit for so long: 12h, 30d' })
      .option('watch', {
        type: 'boolean',
        default: false,
        describe: 'Show each second which rules were hit in it, until Ctrl-C',
      })
      .option('zero', {
        type: 'boolean',
        default: false,
        describe: 'Begin to count anew, of a chain or of all; what is shown is what was counted until then',
      })
      .option('wait', waitOption)
      .example('$0 stats', 'what every rule and policy has counted')
      .example('$0 stats --top 10 --since yesterday', 'the busiest rules of the last two days')
      .example('$0 stats --unused 30d', 'rules that nothing has hit for a month')
      .example("$0 stats --json | jq '.[] | select(.packets == 0).rule'", 'rules that nothing has hit')
      .epilogue(
        'Each run adds a reading to the history of hits, and so does every change of the rules that would lose counts. ' +
          'Readings are kept for a day, then one an hour for a month, then one a day for a year.',
      ),
  async run({ json, chain, table, top, since, unused, watch, zero, wait }) {
    requireOne({ since, unused, watch, zero })
    if (watch && json) throw new UsageError('--watch does not go with --json, which is one document')
    const format = { json, selection: { chain, table: table as TableName | undefined, top: parseTop(top) } }
    const question = questionOf(since, unused)
    const settings = readSettings()
    if (watch) return await showWatch(settings, format.selection)
    const hits = zero
      ? await zeroHits(settings, chain, parseWait(wait))
      : await readAndRecord(settings, requireLive(settings))
    return await showHits(settings, hits, question, format)
  },
})

function requireOne(options: Readonly<Record<string, unknown>>): void {
  const [first, second] = Object.keys(options).filter(name => options[name])
  if (second) throw new UsageError(`--${first} does not go with --${second}`)
}

function questionOf(since: string | undefined, unused: string | undefined): Question {
  if (since !== undefined) return { kind: 'since', time: parseTime(since, clock()) }
  if (unused !== undefined) return { kind: 'unused', time: Date.now() - parseDuration(unused) }
  return { kind: 'now' }
}

const clock = () => ({ now: Date.now(), boot: Date.now() - uptime() * 1000 })

function parseTop(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new UsageError(`--top ${text} is not a number of rules`)
}
