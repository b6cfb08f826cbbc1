// Runs the compiled tests; arguments are ava's: files (test/….ts stands for what it compiles to), --match, --serial, …
// The last line is always `N passed, N failed`, with `, N skipped` where tests were skipped; their reasons stand above it.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const compiled = argument => argument.replace(/^(?:\.\/)?test\/(.*)\.ts$/, 'dist/test/$1.js')

// kernel tests wait for the kernel more than they compute, and each file has namespaces of its own
const concurrency = Math.max(2, availableParallelism())

const ava = spawn(
  process.execPath,
  [
    'node_modules/ava/entrypoints/cli.mjs',
    '--tap',
    `--concurrency=${concurrency}`,
    ...process.argv.slice(2).map(compiled),
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)

/** Of what ava tells of a failed test, so many lines are said once more at the end. */
const LINES_AGAIN = 30

/** Titles by how their test ended, with what was told of those that failed; `counts` is what ava sums up, with tests that a crash kept from running. */
const seen = { pass: 0, fail: [], skip: [] }
const counts = {}
/** Where what ava tells now goes: it follows the test it is about. */
let about = []

function read(line) {
  const [, not, title, skip] = /^(not )?ok \d+ - (.*?)( # SKIP)?$/.exec(line) ?? []
  const [, what, count] = /^# (pass|fail|skip) (\d+)$/.exec(line) ?? []
  if (what) counts[what] = Number(count)
  else if (title === undefined) {
    if (/^(TAP version|# tests |1\.\.\d+$|$)/.test(line)) return
    console.log(line)
    about.push(line)
  } else if (not) tell('✘', title, () => seen.fail.push({ title, about }))
  else if (skip) tell('-', title, () => seen.skip.push(title))
  else tell('✔', title, () => seen.pass++)
}

function tell(mark, title, note) {
  about = []
  note()
  console.log(`${mark} ${title}`)
}

const lines = createInterface({ input: ava.stdout })
lines.on('line', read)
const status = await new Promise(resolve => {
  ava.on('error', error => {
    console.error(error.message)
    resolve(1)
  })
  ava.on('close', (code, signal) => resolve(signal ? 1 : code))
})

/** A test says in its title why it is skipped: `… (skipped: needs root)`. */
const reasonOf = title => /\((?:skipped: )?([^()]*(?:\([^()]*\)[^()]*)*)\)$/.exec(title)?.[1] ?? title

function summarise() {
  const reasons = new Map()
  for (const title of seen.skip) reasons.set(reasonOf(title), (reasons.get(reasonOf(title)) ?? 0) + 1)
  console.log('')
  for (const [reason, count] of reasons) console.log(`skipped ${count}: ${reason}`)
  for (const { title, about } of seen.fail)
    console.log([`failed: ${title}`, ...about.slice(0, LINES_AGAIN)].join('\n'))
}

summarise()
const passed = counts.pass ?? seen.pass
const skipped = counts.skip ?? seen.skip.length
let failed = Math.max(counts.fail ?? 0, seen.fail.length)
if (failed === 0 && (status !== 0 || passed + skipped === 0)) {
  console.log(status === 0 ? 'failed: no test was found' : `failed: ava ended with status ${status}`)
  failed = 1
}
process.exitCode = failed === 0 ? 0 : 1
console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`)
