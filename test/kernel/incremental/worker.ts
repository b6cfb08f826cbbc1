// Run as a process of its own, in a network namespace: iptables commands of bpftables, one JSON line each, answered by one.

import { createInterface } from 'node:readline'
import type { Family } from 'iptables-parser'
import { iptables } from '../../../src/cli/iptables-edit.ts'
import { iptablesRestore } from '../../../src/cli/iptables-restore.ts'
import { iptablesSave } from '../../../src/cli/iptables-save.ts'
import { readGenerationWord } from '../../../src/service/live.ts'
import { readSettings } from '../../../src/service/settings.ts'

export interface Asked {
  readonly command: 'iptables' | 'restore' | 'save'
  readonly family: Family
  readonly words: readonly string[]
}

export interface Answered {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly generation: number | undefined
}

const commands = { iptables, restore: iptablesRestore, save: iptablesSave }

async function run({ command, family, words }: Asked): Promise<Answered> {
  const written = { stdout: '', stderr: '' }
  const capture = (name: 'stdout' | 'stderr') => {
    const stream = process[name]
    const { write } = stream
    stream.write = text => {
      written[name] += `${text}`
      return true
    }
    return () => {
      stream.write = write
    }
  }
  const ends = [capture('stdout'), capture('stderr')]
  try {
    const code = await commands[command](family, words)
    return { code, ...written, generation: readGenerationWord(readSettings()) }
  } finally {
    for (const end of ends) end()
  }
}

for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line) as Asked))}\n`)
