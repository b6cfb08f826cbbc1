// `npm run test:kernels [KERNEL…]`: boots kernels and runs in each what case.ts has for it.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { boot, emulator } from './boot.ts'
import { catalogue, type Kernel } from './catalogue.ts'
import { fetchKernel, type KernelFiles, Misplaced, Unavailable } from './fetch.ts'
import { baseArchive, moduleArchive } from './initramfs.ts'
import { type Report, readReport } from './report.ts'

const { BPFTABLES_REQUIRE_KERNEL: required, BPFTABLES_SEED: givenSeed } = process.env

/** Of the random rule sets; BPFTABLES_SEED=n repeats those of a failure. */
const seed = Number(givenSeed ?? Math.floor(Math.random() * 2 ** 31))

/** A guest that hangs is given up after so many seconds; on a busy machine one that does not may take ten times as long as on a quiet one. */
const PATIENCE = 900

const totals = { passed: 0, failed: 0, skipped: 0 }

const print = (report: Report): void => {
  if (report.kind === 'kernel') return console.log(`Linux ${report.release}`)
  if (report.kind === 'passed') {
    totals.passed++
    console.log(
      `  ✔ ${report.title} (${report.seconds} s)${report.note === undefined ? '' : `: ${report.note}`}`,
    )
  }
  if (report.kind === 'failed') fail(`${report.title}\n${report.reason.replace(/^/gm, '      ')}`)
}

const fail = (text: string): void => {
  totals.failed++
  console.log(`  ✘ ${text}`)
}

/** Boots a kernel. What the kernel prints of itself is shown only where the guest did not come to its end. */
const tryKernel = async (files: KernelFiles, base: Uint8Array, directory: string): Promise<void> => {
  const initramfs = join(directory, `${files.release}.cpio`)
  writeFileSync(initramfs, Buffer.concat([base, moduleArchive(files.modules)]))
  const other: string[] = []
  let done = false
  try {
    await boot({ image: files.image, initramfs, patience: PATIENCE }, [`${seed}`], line => {
      const report = readReport(line)
      if (report === undefined) other.push(line)
      else if (report.kind === 'done') done = true
      else print(report)
    })
  } finally {
    rmSync(initramfs)
    if (!done) fail(`the guest did not come to its end:\n${other.slice(-40).join('\n')}`)
  }
}

/** A machine without network or with another's apt is no reason to fail; what can be mended is, where kernels are required. */
const skip = (name: string, reason: string, mendable: boolean): void => {
  if (mendable && required === '1') return fail(`kernel ${name}: ${reason}`)
  totals.skipped++
  console.log(`skipped kernel ${name}: ${reason}`)
}

const fetchOrSkip = (kernel: Kernel): KernelFiles | undefined => {
  try {
    return fetchKernel(kernel)
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error
    skip(kernel.name, error.message, error instanceof Misplaced)
    return undefined
  }
}

const chosen = (names: readonly string[]): readonly Kernel[] => {
  const unknown = names.find(name => !catalogue.some(kernel => kernel.name === name))
  if (unknown === undefined) return catalogue.filter(({ name }) => names.length === 0 || names.includes(name))
  console.error(
    `there is no kernel ${unknown} here; there are ${catalogue.map(({ name }) => name).join(', ')}`,
  )
  process.exit(2)
}

const tryAll = async (kernels: readonly Kernel[]): Promise<void> => {
  const fetched = kernels.flatMap(kernel => fetchOrSkip(kernel) ?? [])
  if (fetched.length === 0) return
  const base = baseArchive()
  const directory = mkdtempSync(join(tmpdir(), 'bpftables-kernels-'))
  try {
    for (const files of fetched) await tryKernel(files, base, directory)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const kernels = chosen(process.argv.slice(2))
if (spawnSync(emulator, ['--version']).error === undefined) await tryAll(kernels)
else for (const { name } of kernels) skip(name, `${emulator} is missing (package qemu-system-x86)`, true)
process.exitCode = totals.failed > 0 ? 1 : 0
console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} kernels skipped`)
