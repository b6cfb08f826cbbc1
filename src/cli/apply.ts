import type { Family } from 'iptables-parser'
import { applyChanges } from '../service/apply.ts'
import type { Generation } from '../service/generation.ts'
import type { Change } from '../service/plan.ts'
import { savedChanges } from '../service/saved.ts'
import { hookChoices, readSettings, type Settings } from '../service/settings.ts'
import { defineCommand, familyOption } from './command.ts'
import { type ExitCode, exitCode, UsageError } from './error.ts'
import { fileOperands, requireFiles } from './operand.ts'
import { printRefusals } from './refusal.ts'
import { readOwnRulesets } from './rule-files.ts'
import { parseWait, waitOption } from './wait.ts'

export const command = defineCommand({
  options: yargs =>
    yargs
      .positional('file', fileOperands)
      .option('saved', {
        type: 'boolean',
        default: false,
        describe: 'Load the rules in force last, as at boot',
      })
      .option('counters', {
        alias: 'c',
        type: 'boolean',
        default: false,
        describe: 'Set counters to those in the files; else the same rule keeps its count',
      })
      .option('hook', { choices: hookChoices, describe: 'Where the programs run' })
      .option('family', familyOption)
      .option('dry-run', {
        type: 'boolean',
        default: false,
        describe: 'Translate and load, then let go again: nothing changes',
      })
      .option('wait', waitOption)
      .example('$0 apply rules.v4 rules.v6', 'swap both families in one step')
      .example('$0 apply --dry-run rules.v4', 'would the kernel take it?')
      .example('iptables-legacy-save | $0 apply -', 'the rules the kernel runs now'),
  async run({ file = [], saved, counters, hook, family, 'dry-run': dryRun, wait }) {
    if (!saved) requireFiles(file, 'apply')
    else if (file.length > 0) throw new UsageError('--saved takes no files')
    const lockWait = parseWait(wait)
    const settings = readSettings()
    const changes = await readChanges(settings, {
      file,
      saved,
      counters,
      family: family as Family | undefined,
    })
    const applied = await applyChanges(settings, () => changes, {
      dryRun,
      wait: lockWait,
      ...(hook && { hook }),
    })
    if (applied.kind === 'refused') return refuse(applied.refusals)
    if (applied.kind === 'applied') report(applied.generation, dryRun)
    else process.stderr.write('no rules were in force that could be loaded again\n')
    return exitCode.done
  },
})

interface Wanted {
  readonly file: readonly string[]
  readonly saved: boolean
  readonly counters: boolean
  readonly family: Family | undefined
}

async function readChanges(settings: Settings, wanted: Wanted): Promise<readonly Change[]> {
  if (wanted.saved) return savedChanges(settings)
  const own = await readOwnRulesets(wanted.file, wanted.family)
  return own.map(read => ({
    ...read,
    carry: { kind: wanted.counters ? 'nothing' : 'text' },
    setCounters: wanted.counters,
  }))
}

function refuse(refusals: Parameters<typeof printRefusals>[0]): ExitCode {
  printRefusals(refusals)
  return exitCode.failed
}

function report({ number, hook, rulesets }: Generation, dryRun: boolean): void {
  const families = rulesets.map(({ family }) => `IPv${family}`).join(' and ')
  process.stderr.write(
    dryRun
      ? `the kernel would take it: ${families} at ${hook}; nothing was changed\n`
      : `generation ${number}: ${families} at ${hook}\n`,
  )
}
