import { type TableName, tableNames } from 'iptables-parser'
import { requireLive } from '../service/live.ts'
import { readSettings } from '../service/settings.ts'
import { readHits } from '../stats/hits.ts'
import { printHits, printHitsJson } from '../stats/print.ts'
import { selectHits } from '../stats/select.ts'
import { zeroHits } from '../stats/zero.ts'
import { defineCommand, jsonOption } from './command.ts'
import { exitCode, UsageError } from './error.ts'
import { parseWait, waitOption } from './wait.ts'

export const command = defineCommand({
  options: yargs =>
    yargs
      .option('json', jsonOption)
      .option('chain', { type: 'string', describe: 'Only rules of this chain' })
      .option('table', { choices: tableNames, describe: 'Only rules of this table' })
      .option('top', { type: 'string', describe: 'Only the N rules with the most packets' })
      .option('zero', {
        type: 'boolean',
        default: false,
        describe: 'Begin to count anew, of a chain or of all; what is shown is what was counted until then',
      })
      .option('wait', waitOption)
      .example('$0 stats', 'what every rule and policy has counted')
      .example('$0 stats --top 10', 'the busiest rules')
      .example("$0 stats --json | jq '.[] | select(.packets == 0).rule'", 'rules that nothing has hit'),
  async run({ json, chain, table, top, zero, wait }) {
    const selection = { chain, table: table as TableName | undefined, top: parseTop(top) }
    const settings = readSettings()
    const hits = zero
      ? await zeroHits(settings, chain, parseWait(wait))
      : readHits(settings, requireLive(settings))
    const chosen = selectHits(hits, selection)
    process.stdout.write(json ? printHitsJson(chosen) : printHits(chosen))
    return exitCode.done
  },
})

function parseTop(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new UsageError(`--top ${text} is not a number of rules`)
}
