// The fuzzer of the parser: mutated files are read, and so is each of their lines as a command.

import { formatError, parseCommand, parseSave, printRuleset, RuleError, type Ruleset } from 'iptables-parser'
import { type Random, seeded } from '../kernel/harness/random.ts'
import { corpora, type Sample } from './corpus.ts'
import { mutated } from './mutate.ts'
import { isKnownDifference, refusedByLegacy, strict } from './oracle.ts'

export interface FuzzOptions {
  readonly seed: number
  /** Whether to go on, asked before every file with the number of files read. */
  readonly goOn: (runs: number) => boolean
  /** Ask iptables-legacy-restore about every so many files; starting it takes far longer than reading a file. Undefined: never. */
  readonly askEvery: number | undefined
  /** A reading that takes longer is a fault. */
  readonly slowMilliseconds: number
}

export interface Fault extends Sample {
  readonly what: string
}

export interface FuzzResult {
  readonly runs: number
  readonly asked: number
  /** Crashes, hangs, files that change when printed and read again, and files taken that iptables-legacy-restore refuses. */
  readonly faults: readonly Fault[]
  /** Files refused that iptables-legacy-restore takes. */
  readonly refusals: readonly Fault[]
}

export function fuzz({ seed, goOn, askEvery, slowMilliseconds }: FuzzOptions): FuzzResult {
  const random = seeded(seed)
  const sources = corpora(seed)
  const faults: Fault[] = []
  const refusals: Fault[] = []
  let [runs, asked] = [0, 0]
  for (; goOn(runs); runs++) {
    const ask = askEvery !== undefined && runs % askEvery === 0
    const sample = draw(sources, random, ask)
    const started = performance.now()
    const read = attempt(sample)
    if (performance.now() - started > slowMilliseconds) faults.push({ what: 'slow', ...sample })
    if ('crash' in read) faults.push({ what: read.crash, ...sample })
    else if (ask) {
      asked++
      const found = compare(sample, read.error)
      if (found) (read.error ? refusals : faults).push(found)
    }
  }
  return { runs, asked, faults, refusals }
}

function draw(sources: readonly (readonly Sample[])[], random: Random, plain: boolean): Sample {
  const { text, family } = random.pick(random.pick(sources))
  const changed = mutated(text, random)
  return { family, text: plain ? strict(changed) : changed }
}

type Attempt = { readonly crash: string } | { readonly error: RuleError | undefined }

/** Reads a file in every way; RuleErrors are what is expected. */
function attempt(sample: Sample): Attempt {
  try {
    const { ruleset, error } = readFile(sample)
    const lost = ruleset && changedByPrinting(ruleset)
    if (lost !== undefined) return { crash: lost }
    for (const line of sample.text.split('\n')) readCommand(line, sample)
    return { error }
  } catch (crash) {
    return { crash: `crash: ${crash instanceof Error ? crash.stack : String(crash)}` }
  }
}

function readFile({ text, family }: Sample): { ruleset?: Ruleset; error?: RuleError } {
  try {
    return { ruleset: parseSave(text, { family, unknownExtensions: 'refuse' }) }
  } catch (error) {
    if (error instanceof RuleError) return { error }
    throw error
  }
}

/** What is wrong where a rule set is not what is read from its print. */
function changedByPrinting(ruleset: Ruleset): string | undefined {
  const printed = printRuleset(ruleset, { counters: true })
  const { ruleset: again, error } = readFile({ text: printed, family: ruleset.family })
  if (error) return `what is printed is refused: ${formatError(error)}`
  return again && printRuleset(again, { counters: true }) === printed
    ? undefined
    : `printed differently again: ${printed}`
}

function readCommand(line: string, { family }: Sample): void {
  try {
    parseCommand(line.split(' '), family)
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
  }
}

/** Where iptables-legacy-restore --test takes what we refuse, or the other way round. */
function compare(sample: Sample, error: RuleError | undefined): Fault | undefined {
  const words = refusedByLegacy(sample)
  if ((error === undefined) === (words === undefined) || isKnownDifference(error, words)) return undefined
  return {
    what: error ? `refused: ${formatError(error)}` : `taken, where iptables says: ${words}`,
    ...sample,
  }
}
