// bpftables in a host of the differential harness, with pins, state and lock of its own, as a process that takes commands.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { mountBpffs, unmount } from '../../../src/kernel/sys/mount.ts'
import { readSettings, type Settings } from '../../../src/service/settings.ts'
import type { Host } from '../harness/host.ts'
import { commandPath, runIn } from '../installation.ts'
import type { Answered, Asked } from './worker.ts'

export interface Installed {
  readonly settings: Settings
  readonly ask: (asked: Asked) => Promise<Answered>
  readonly close: () => Promise<void>
}

const worker = fileURLToPath(new URL('./worker.js', import.meta.url))

export function install(host: Host, hook: string): Installed {
  const bpffs = mkdtempSync(join(tmpdir(), 'bpft-edits-'))
  const directory = mkdtempSync(join(tmpdir(), 'bpft-state-'))
  mountBpffs(bpffs)
  const environment = {
    BPFTABLES_BPFFS: join(bpffs, 'bpftables'),
    BPFTABLES_STATE_DIR: join(directory, 'state'),
    BPFTABLES_RUN_DIR: join(directory, 'run'),
    BPFTABLES_HOOK: hook,
  }
  const child = spawn('nsenter', [`--net=${host.path}`, process.execPath, worker], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    settings: readSettings(environment),
    async ask(asked) {
      child.stdin.write(`${JSON.stringify(asked)}\n`)
      const { value, done } = await lines.next()
      if (done) throw new Error('the worker has ended')
      return JSON.parse(value) as Answered
    },
    async close() {
      child.stdin.end()
      if (child.exitCode === null) await once(child, 'exit')
      runIn(host.path.replace('/run/netns/', ''), [commandPath('bpftables'), 'detach', '--force'], {
        environment,
      })
      unmount(bpffs)
      rmdirSync(bpffs)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
