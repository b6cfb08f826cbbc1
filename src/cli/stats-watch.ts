import type { Settings } from '../service/settings.ts'
import type { RuleHits } from '../stats/hits.ts'
import { printHits } from '../stats/print.ts'
import { type Selection, selectHits } from '../stats/select.ts'
import { printClock, printTime } from '../stats/time.ts'
import { watchHits } from '../stats/watch.ts'
import { type ExitCode, exitCode } from './error.ts'

/** Prints each second the rules that were hit in it: on a terminal as a table in place, else as lines. Ctrl-C ends it well. */
export async function showWatch(settings: Settings, selection: Selection): Promise<ExitCode> {
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  for await (const hits of watchHits(settings, stop.signal)) {
    const chosen = selectHits(hits, selection)
    process.stdout.write(process.stdout.isTTY ? screenOf(chosen) : linesOf(chosen))
  }
  return exitCode.done
}

/** The table on a cleared screen, as much of it as fits. */
function screenOf(hits: readonly RuleHits[]): string {
  const lines = printHits(hits).split('\n')
  const fits = lines.slice(0, Math.max(1, (process.stdout.rows || 24) - 2))
  return `\x1b[H\x1b[Jhits in the second to ${printClock(Date.now())}; Ctrl-C ends\n${fits.join('\n')}`
}

/** One line for each rule, with the time. */
const linesOf = (hits: readonly RuleHits[]): string =>
  printHits(hits)
    .split(/(?<=\n)/)
    .slice(1)
    .map(line => `${printTime(Date.now())} ${line}`)
    .join('')
