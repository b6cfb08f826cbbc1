import { writeFileSync } from 'node:fs'
import type { Family, Ruleset } from 'iptables-parser'
import { listing } from '../../translator/asm/listing.ts'
import { newLayout } from '../../translator/counter.ts'
import { writeObject } from '../../translator/elf/object.ts'
import { lanesFor, standaloneLane } from '../../translator/lane.ts'
import { renderDot } from '../../translator/render/dot.ts'
import { renderJson } from '../../translator/render/json.ts'
import { renderReport } from '../../translator/render/report.ts'
import { type Translation, translate } from '../../translator/translate.ts'
import { ServiceError, systemReason } from '../service/error.ts'
import { defineCommand, familyOption, translatedHookOption } from './command.ts'
import { exitCode, UsageError } from './error.ts'
import { fileOperands, requireFiles } from './operand.ts'
import { printRefusals } from './refusal.ts'
import { type OwnRuleset, readOwnRulesets } from './rule-files.ts'

type Translated = Extract<Translation, { kind: 'translated' }>

const render: Readonly<Record<string, (translated: Translated) => string | Uint8Array>> = {
  elf: ({ programs, rules }) =>
    writeObject(
      programs.map(({ spec }) => spec),
      { rules: rules.map(({ rule }) => rule) },
    ),
  listing: ({ programs, rules }) =>
    programs.map(({ spec }) => listing(spec, { rules: rules.map(({ rule }) => rule) })).join('\n'),
  json: renderJson,
  dot: renderDot,
}

export const command = defineCommand({
  options: yargs =>
    yargs
      .positional('file', fileOperands)
      .option('hook', translatedHookOption)
      .option('family', familyOption)
      .option('format', {
        alias: 'f',
        choices: [...Object.keys(render), 'report'],
        default: 'elf',
        describe: 'A BPF object, its annotated listing, the tree as JSON or as a graph, or what translates',
      })
      .option('output', { alias: 'o', type: 'string', describe: 'Write here instead of to standard output' })
      .example('$0 convert rules.v4 -o rules.o', 'an object for bpftool, ip or tc')
      .example('$0 convert --format listing rules.v4 | less', 'every instruction under its rule')
      .example('$0 convert --format dot rules.v4 | dot -Tsvg > tree.svg', 'the decision tree'),
  async run({ file = [], hook, family, format, output }) {
    requireFiles(file, 'convert')
    requireBinaryPlace(format, output)
    const own = await readOwnRulesets(file, family as Family | undefined)
    const rulesets = own.map(({ ruleset }) => ruleset).filter(({ tables }) => tables.length > 0)
    if (rulesets.length === 0)
      throw new UsageError('there is no table in what was given that programs can be made of')
    const translation = translateFor(hook, format, rulesets)
    if (format === 'report') write(output, reportOf(translation, own))
    else if (translation.kind === 'translated') write(output, render[format]?.(translation) ?? '')
    else printRefusals(translation.refusals)
    return translation.kind === 'translated' ? exitCode.done : exitCode.failed
  },
})

const reportOf = (translation: Translation, own: readonly OwnRuleset[]): string =>
  renderReport(
    translation,
    own.flatMap(({ left }) => left),
  )

/** An object is no sight for a terminal. */
function requireBinaryPlace(format: string, output: string | undefined): void {
  if (format === 'elf' && output === undefined && process.stdout.isTTY)
    throw new UsageError('an object is binary', 'Name a file with -o FILE, or choose another --format.')
}

/** An object for xdp or tc holds that hook's program alone, since `ip link` attaches no other; and what it holds is filled by nobody. */
function translateFor(
  hook: 'xdp' | 'tc' | 'netfilter',
  format: string,
  rulesets: readonly Ruleset[],
): Translation {
  const counters = newLayout(rulesets)
  if (format !== 'elf') return translate(rulesets, { lanes: lanesFor(hook, rulesets), counters })
  const lanes = hook === 'netfilter' ? lanesFor(hook, rulesets) : [standaloneLane(hook)]
  return translate(rulesets, { lanes, counters, strategies: { leastDispatch: Number.POSITIVE_INFINITY } })
}

function write(path: string | undefined, content: string | Uint8Array): void {
  if (path === undefined || path === '-') {
    process.stdout.write(content)
    return
  }
  try {
    writeFileSync(path, content)
  } catch (error) {
    throw new ServiceError('ERR_FILE', `cannot write ${path}: ${systemReason(error)}`, undefined, error)
  }
}
