import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { plot } from './plot.ts'
import type { RunResult } from './result.ts'

/** From dist/bench to bench/results. */
const directory = fileURLToPath(new URL('../../bench/results', import.meta.url))

/** Writes a run down, and a plot of each series that has more than one size; the names of the files. */
export function writeHistory(run: RunResult): string[] {
  mkdirSync(directory, { recursive: true })
  const stem = run.time.replaceAll(':', '').replace(/\..*/, '')
  const plots = run.series
    .filter(({ sizes }) => sizes.length > 1)
    .map(series => ({ name: `${stem}-${series.name}.svg`, text: plot(series) }))
  const files = [{ name: `${stem}.json`, text: `${JSON.stringify(run, null, 1)}\n` }, ...plots]
  for (const { name, text } of files) writeFileSync(join(directory, name), text)
  return files.map(({ name }) => relative(process.cwd(), join(directory, name)))
}
