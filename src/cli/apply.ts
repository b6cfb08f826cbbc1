import { type Family, printRuleset } from 'iptables-parser'
import { type Applied, type ApplyOptions, applyChanges } from '../service/apply.ts'
import { liveRuleset } from '../service/edit.ts'
import { ServiceError } from '../service/error.ts'
import type { Generation } from '../service/generation.ts'
import type { Live } from '../service/live.ts'
import { beside, heldBeside } from '../service/passthrough/beside.ts'
import { type Shared, shareFile } from '../service/passthrough/share.ts'
import type { Change } from '../service/plan.ts'
import { savedBeside, savedChanges } from '../service/saved.ts'
import { hookChoices, readSettings, type Settings } from '../service/settings.ts'
import { defineCommand, familyOption } from './command.ts'
import { describeError, type ExitCode, exitCode, UsageError } from './error.ts'
import { fileOperands, requireFiles } from './operand.ts'
import { printRefusals } from './refusal.ts'
import { type OwnRuleset, readOwnRulesets } from './rule-files.ts'
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
    const options = { dryRun, wait: parseWait(wait), ...(hook && { hook }) }
    const settings = readSettings()
    if (saved) return applySaved(settings, options)
    const read = await readOwnRulesets(file, family as Family | undefined)
    const applied = await applyFiles(settings, read, counters, options)
    return finish(
      applied,
      dryRun,
      "the kernel's own iptables has the tables it was left; nothing else changed\n",
    )
  },
})

async function applyFiles(
  settings: Settings,
  read: readonly OwnRuleset[],
  counters: boolean,
  options: ApplyOptions,
): Promise<Applied> {
  let shares: readonly Shared[] = []
  const decide = (live: Live | undefined): readonly Change[] => {
    const decided = read.map(one => shareOne(settings, live, one, counters))
    shares = decided.map(({ shared }) => shared)
    return decided.flatMap(({ change }) => change)
  }
  const other = () =>
    beside(
      settings,
      shares.flatMap(({ batches }) => batches),
      shares.flatMap(({ handed }) => handed),
    )
  return applyChanges(settings, decide, { ...options, beside: other })
}

function shareOne(
  settings: Settings,
  live: Live | undefined,
  { ruleset: own, text, left, file }: OwnRuleset,
  counters: boolean,
): { readonly shared: Shared; readonly change: readonly Change[] } {
  const before = liveRuleset(live, own.family)
  const held = heldBeside(settings, own.family)
  const shared = shareFile(before, { own, left, file }, counters ? ['-c'] : [], held)
  const { ruleset } = shared
  if (ruleset === before || ruleset.tables.length === 0) return { shared, change: [] }
  const change: Change = {
    ruleset,
    text: ruleset === own ? text : printRuleset(ruleset, { remarks: true }),
    carry: { kind: counters ? 'nothing' : 'text' },
    setCounters: counters,
  }
  return { shared, change: [change] }
}

/** What filters comes first: where the kernel's own iptables fails, our tables are put in force without its own. */
async function applySaved(settings: Settings, options: ApplyOptions): Promise<ExitCode> {
  const changes = savedChanges(settings)
  const { batches, handed } = savedBeside(settings)
  const nothing = 'no rules were in force that could be loaded again\n'
  const other = () => beside(settings, batches, handed)
  try {
    const applied = await applyChanges(settings, () => changes, { ...options, beside: other })
    return finish(applied, options.dryRun === true, batches.length > 0 ? '' : nothing)
  } catch (error) {
    if (!(error instanceof ServiceError) || !passthroughCodes.includes(error.code)) throw error
    process.stderr.write(`bpftables: ${describeError(error)}\n`)
    finish(await applyChanges(settings, () => changes, options), options.dryRun === true, '')
    return exitCode.failed
  }
}

const passthroughCodes: readonly string[] = ['ERR_NO_PASSTHROUGH', 'ERR_PASSTHROUGH']

function finish(applied: Applied, dryRun: boolean, unchanged: string): ExitCode {
  if (applied.kind === 'refused') {
    printRefusals(applied.refusals)
    return exitCode.failed
  }
  if (applied.kind === 'applied') report(applied.generation, dryRun)
  else process.stderr.write(dryRun ? 'nothing was changed\n' : unchanged)
  return exitCode.done
}

function report({ number, hook, rulesets }: Generation, dryRun: boolean): void {
  const families = rulesets.map(({ family }) => `IPv${family}`).join(' and ')
  process.stderr.write(
    dryRun
      ? `the kernel would take it: ${families} at ${hook}; nothing was changed\n`
      : `generation ${number}: ${families} at ${hook}\n`,
  )
}
