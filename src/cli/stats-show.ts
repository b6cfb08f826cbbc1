// What `bpftables stats` answers.

import type { Settings } from '../service/settings.ts'
import type { RuleHits } from '../stats/hits.ts'
import type { TimedHits } from '../stats/past.ts'
import { printHits, printHitsJson, printUnused } from '../stats/print.ts'
import { type Selection, selectHits } from '../stats/select.ts'
import { printTime } from '../stats/time.ts'
import { type ExitCode, exitCode } from './error.ts'

/** What to show: counters as they are, hits since a time, or rules not hit since a time; in milliseconds since 1970. */
export type Question =
  | { readonly kind: 'now' }
  | { readonly kind: 'since'; readonly time: number }
  | { readonly kind: 'unused'; readonly time: number }

export interface Format {
  readonly json: boolean
  readonly selection: Selection
}

/** Prints hits, or what the history knows about them; what is to be known about the answer goes to standard error. */
export async function showHits(
  settings: Settings,
  hits: readonly RuleHits[],
  question: Question,
  format: Format,
): Promise<ExitCode> {
  if (question.kind === 'since') await showSince(settings, hits, question.time, format)
  else if (question.kind === 'unused') await showUnused(settings, hits, question.time, format)
  else print(hits, format, printHits)
  return exitCode.done
}

function print<T extends RuleHits>(
  hits: readonly T[],
  { json, selection }: Format,
  printTable: (hits: readonly T[]) => string,
): void {
  const chosen = selectHits(hits, selection)
  process.stdout.write(json ? printHitsJson(chosen) : printTable(chosen))
}

const say = (text: string): boolean => process.stderr.write(`${text}\n`)

async function showSince(
  settings: Settings,
  all: readonly RuleHits[],
  time: number,
  format: Format,
): Promise<void> {
  const { hitsSince } = await import('../stats/past.ts')
  const { hits, since, reachesBack } = hitsSince(settings, all, time)
  say(
    reachesBack
      ? `hits since ${printTime(since)}, the last reading at or before ${printTime(time)}`
      : `the history does not reach back to ${printTime(time)}; hits since it began, ${printTime(since)}`,
  )
  print(hits, format, printHits)
}

async function showUnused(
  settings: Settings,
  all: readonly RuleHits[],
  time: number,
  format: Format,
): Promise<void> {
  const { unusedSince } = await import('../stats/past.ts')
  const { unused, young } = unusedSince(settings, all, time)
  const chosen = selectHits(young, format.selection)
  if (chosen.length > 0) say(aboutYoung(chosen))
  print(unused, format, printUnused)
}

function aboutYoung(young: readonly TimedHits[]): string {
  const first = printTime(
    young.reduce((least, { since }) => Math.min(least, since), Number.POSITIVE_INFINITY),
  )
  return young.length === 1
    ? `one more rule was not hit since ${first}, and what it did before is not known`
    : `${young.length} more rules were not hit since they were first seen, ${first} or later`
}
