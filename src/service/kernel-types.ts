// What the kernel's types answered the commands before, kept in the run directory: to read and index them takes a quarter of the time that a small rule
// set takes to load. It is of use to no other boot, and may be missing or damaged: then the kernel is asked.

import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { release, version } from 'node:os'
import { join } from 'node:path'
import { learnAnswers, vmlinuxAnswers } from '../kernel/btf/answers.ts'
import { readVmlinuxAhead } from '../kernel/btf/kernel.ts'
import type { Settings } from './settings.ts'

interface Kept {
  /** The kernel, and when it was booted. */
  readonly kernel: string
  readonly answers: readonly (readonly [question: string, answer: number])[]
}

const pathIn = ({ runDirectory }: Settings): string => join(runDirectory, 'kernel-types.json')

/** Begins to read the kernel's types where nothing is known of them yet. */
export const readTypesAhead = async (settings: Settings): Promise<void> => {
  if (!existsSync(pathIn(settings))) await readVmlinuxAhead()
}

/** Runs `body` with what is known of the kernel's types, and keeps what it asked besides. The caller holds the lock. */
export async function withKernelTypes<T>(settings: Settings, body: () => T | Promise<T>): Promise<T> {
  const path = pathIn(settings)
  const kernel = identifyKernel()
  if (kernel === undefined) return await body()
  learnAnswers(recall(path, kernel))
  const before = vmlinuxAnswers.size
  try {
    return await body()
  } finally {
    if (vmlinuxAnswers.size > before) keep(path, { kernel, answers: [...vmlinuxAnswers] })
  }
}

function identifyKernel(): string | undefined {
  try {
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${release()} ${version()}`
  } catch {
    return undefined
  }
}

function recall(path: string, kernel: string): Kept['answers'] {
  try {
    const kept = JSON.parse(readFileSync(path, 'utf8')) as Kept
    return kept.kernel === kernel ? kept.answers : []
  } catch {
    return []
  }
}

function keep(path: string, kept: Kept): void {
  try {
    writeFileSync(`${path}.new`, JSON.stringify(kept), { mode: 0o600 })
    renameSync(`${path}.new`, path)
  } catch {
    // the next command asks the kernel again
  }
}
