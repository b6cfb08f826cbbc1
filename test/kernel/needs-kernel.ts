// The door of every kernel test: it runs where the kernel lets us, is skipped with the reason where not, and
// fails instead of being skipped under BPFTABLES_REQUIRE_KERNEL=1.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { createMap } from '../../src/kernel/sys/map.ts'
import { close } from '../../src/kernel/sys/object.ts'

// Bits of CapEff, linux/capability.h.
const needed = { CAP_NET_ADMIN: 12n, CAP_NET_RAW: 13n, CAP_SYS_ADMIN: 21n } as const

const missingCapabilities = (): readonly string[] => {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  const effective = BigInt(`0x${line?.[1] ?? '0'}`)
  return Object.entries(needed).flatMap(([name, bit]) => ((effective >> bit) & 1n ? [] : [name]))
}

/** Containers and lockdown refuse bpf(2) to a root with all capabilities. */
const refusal = (): string | undefined => {
  const spec = {
    name: 'probe',
    type: 'ARRAY',
    keySize: 4,
    valueSize: 4,
    maxEntries: 1,
    flags: 0,
    shared: false,
  } as const
  try {
    close(createMap(spec))
    return undefined
  } catch (error) {
    return `needs bpf(2): ${error instanceof Error ? error.message : String(error)}`
  }
}

const hasCommand = (name: string): boolean => spawnSync(name, ['-V']).error === undefined

const findReason = (): string | undefined => {
  if (process.platform !== 'linux') return 'needs Linux'
  if (process.geteuid?.() !== 0) return 'needs root'
  const missing = missingCapabilities()
  if (missing.length > 0) return `needs ${missing.join(', ')}`
  return hasCommand('ip') ? refusal() : 'needs ip (iproute2)'
}

const { BPFTABLES_REQUIRE_KERNEL: required } = process.env

/** Why kernel tests cannot run here; undefined where they can. */
export const kernelMissing: string | undefined = findReason()

type Implementation = (t: ExecutionContext) => void | Promise<void>

/** `test.serial` for tests that need root, bpf(2) and these programs. */
export const kernelTestNeeding = (
  ...commands: readonly string[]
): ((title: string, implementation: Implementation) => void) => {
  const missing = commands.find(name => !hasCommand(name))
  const reason = kernelMissing ?? (missing && `needs ${missing}`)
  return (title, implementation) => {
    if (reason === undefined) test.serial(title, implementation)
    else if (required === '1') test.serial(title, t => t.fail(reason))
    else test.serial.skip(`${title} (skipped: ${reason})`, implementation)
  }
}

/** `test.serial` for a test that needs root and bpf(2). */
export const kernelTest = kernelTestNeeding()
