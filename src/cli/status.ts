import { iptablesName } from 'iptables-parser'
import type { LinkInfo } from '../kernel/link.ts'
import type { EarlyChoice } from '../service/early.ts'
import { readSettings } from '../service/settings.ts'
import { type AttachmentStatus, readStatus, type Status, type TableStatus } from '../service/status.ts'
import { defineCommand, jsonOption } from './command.ts'
import { exitCode } from './error.ts'

export const command = defineCommand({
  options: yargs =>
    yargs
      .option('json', jsonOption)
      .example('$0 status', 'exits with 1 unless the rules are enforced')
      .example("$0 status --json | jq '.problems[]'", 'what is wrong'),
  run({ json }) {
    const status = readStatus(readSettings())
    process.stdout.write(json ? `${JSON.stringify(status, null, 2)}\n` : describe(status))
    return status.enforces ? exitCode.done : exitCode.failed
  },
})

function describe(status: Status): string {
  const { generation, time, hook, families, enforces } = status
  const { tables, early, aside, attachments, lanes, problems, others } = status
  const lines = [
    enforces ? 'The rules are enforced.' : 'The rules are NOT enforced.',
    ...problems.map(problem => `  ! ${problem}`),
    ...(generation === undefined
      ? []
      : [
          `generation ${generation} of ${time}, ${families.map(family => `IPv${family}`).join(' and ')} at ${hook}`,
        ]),
    ...tables.map(describeTable),
    ...early.map(describeEarly),
    ...aside.map(
      family =>
        `  IPv${family} is judged at netfilter: other hooks came between ${hook} and INPUT since this was loaded`,
    ),
    ...attachments.map(describeAttachment),
    ...lanes.map(({ lane, programId }) => `  ${lane.padEnd(18)} program ${programId ?? 'none'}`),
    ...others.map(
      link => `  also at this hook: ${describeLink(link)} (not ours; of this or another namespace)`,
    ),
  ]
  return `${lines.join('\n')}\n`
}

const describeTable = ({ family, table, runs, reason }: TableStatus): string =>
  `  ${`IPv${family} ${table}`.padEnd(18)} ${runs === 'programs' ? 'programs' : `the kernel's own ${iptablesName(family)}: ${reason}`}`

const describeEarly = ({ device, hook, reason }: EarlyChoice): string =>
  `  ${device.padEnd(18)} ${hook === 'none' ? 'no early drop' : `drops early at ${hook}`}: ${reason}`

const describeAttachment = ({ hook, on, link }: AttachmentStatus): string =>
  `  ${`${hook} ${on}`.padEnd(18)} ${link ? describeLink(link) : 'not attached'}`

const describeLink = (link: LinkInfo): string =>
  `link ${link.id}, program ${link.programId}${link.kind === 'netfilter' ? `, priority ${link.priority}` : ''}`
