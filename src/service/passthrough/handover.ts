// Handing tables to the kernel's own iptables while our own change: what is handed over is tried before anything is touched, put in force
// right before our own, and taken back where something fails after that.

import { basename } from 'node:path'
import { baseChains, type Family, isTableName } from 'iptables-parser'
import { ServiceError } from '../error.ts'
import { sectionsOf } from '../section.ts'
import { readKernelTables } from './kernel-tables.ts'
import { type KernelIptables, runKernelIptables } from './program.ts'

/** One run of iptables-restore. */
export interface Batch {
  readonly family: Family
  /** Its options. */
  readonly words: readonly string[]
  readonly text: string
}

/** The kernel's own iptables refused what was left to it. */
export class PassthroughRefusal extends ServiceError {
  readonly status: number
  /** As it was printed. */
  readonly output: string

  constructor(command: string, status: number, output: string) {
    super('ERR_PASSTHROUGH', `${command} refuses the tables left to it: ${output.trim()}`)
    this.status = status
    this.output = output
  }
}

export interface Handover {
  /** Has the kernel's own iptables read it all. Throws PassthroughRefusal. */
  test(): void
  /** Puts it in force; again is as good as once. What it throws leaves everything as it was. */
  put(): void
  /** Undoes `put`; nothing where that was not done. */
  takeBack(): void
  /** What iptables-restore said last, with -v. */
  readonly said: () => string
}

export function handover(program: KernelIptables, batches: readonly Batch[]): Handover {
  let before: readonly Batch[] | undefined
  let said = ''
  const run = ({ family, words, text }: Batch, test: readonly string[]): string => {
    const { status, stdout, stderr } = runKernelIptables(program, family, '-restore', [...words, ...test], {
      input: text,
    })
    if (status !== 0) throw new PassthroughRefusal(program.path, status, stderr)
    return stdout
  }
  const takeBack = (): void => {
    const batches = before ?? []
    before = undefined
    try {
      for (const batch of batches) run(batch, [])
    } catch (error) {
      throw new ServiceError(
        'ERR_PASSTHROUGH',
        'the tables left to it could not be put back as they were',
        `See what it holds with ${basename(program.path)}.`,
        error,
      )
    }
  }
  return {
    test: () => {
      said = batches.map(batch => run(batch, ['--test'])).join('')
    },
    put: () => {
      if (before) return
      before = snapshots(program, batches)
      try {
        said = batches.map(batch => run(batch, [])).join('')
      } catch (error) {
        takeBack()
        throw error
      }
    },
    takeBack,
    said: () => said,
  }
}

/** What puts the tables that batches change back to what they are now. */
function snapshots(program: KernelIptables, batches: readonly Batch[]): Batch[] {
  return [...new Set(batches.map(({ family }) => family))].map(family => {
    const held = readKernelTables(program, family)
    const names = batches.filter(batch => batch.family === family).flatMap(({ text }) => tablesIn(text))
    const text = [...new Set(names)].map(name => held.get(name) ?? emptyTable(name)).join('')
    return { family, words: ['-c'], text }
  })
}

export const tablesIn = (text: string): string[] => sectionsOf(text).map(({ table }) => table)

/** What makes a table what it is born as. */
export const emptyTable = (name: string): string =>
  [
    `*${name}`,
    ...(isTableName(name) ? baseChains[name] : []).map(chain => `:${chain} ACCEPT [0:0]`),
    'COMMIT',
    '',
  ].join('\n')
