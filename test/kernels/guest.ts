// The first process in the guest: prepares the machine and runs every case that concerns its kernel.

import { writeSync } from 'node:fs'
import { release } from 'node:os'
import { type Case, casesFor } from './case.ts'
import { loadModules, mountAll } from './machine.ts'
import { connect } from './network.ts'
import { type Report, writeReport } from './report.ts'

/** Synchronous: nothing that was said is lost when this process, and with it the machine, ends. */
const tell = (report: Report): void => {
  writeSync(1, writeReport(report))
}

const reasonOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : `${error}`

const run = async ({ title, body }: Case): Promise<void> => {
  const start = performance.now()
  try {
    const note = await body()
    const seconds = Math.round((performance.now() - start) / 1000)
    tell({ kind: 'passed', title, seconds, ...(note !== undefined && { note }) })
  } catch (error) {
    tell({ kind: 'failed', title, reason: reasonOf(error) })
  }
}

Object.assign(process.env, { PATH: '/usr/bin', HOME: '/root', NO_COLOR: '1' })
mountAll()
loadModules('/modules')
connect()
tell({ kind: 'kernel', release: release() })
for (const each of casesFor(release(), Number(process.argv[2] ?? 1))) await run(each)
tell({ kind: 'done' })
