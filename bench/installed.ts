// bpftables in a network namespace without a name, with pins, state and lock of its own, and with devices, as hosts have them: for these `auto` loads programs that drop early as well.

import { mkdtempSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mountBpffs, unmount } from '../src/kernel/sys/mount.ts'
import { newRange, run } from './network.ts'

export interface Installed {
  /** What commands find it by. */
  readonly environment: Readonly<Record<string, string>>
  /** Runs a command inside; what it says. Throws where it fails. */
  readonly run: (command: string, args: readonly string[], input?: string) => string
  readonly inside: <T>(body: () => T) => T
  readonly close: () => void
}

/** From dist/bench. */
export const ours = (command: string): string =>
  fileURLToPath(new URL(`../../bin/${command}`, import.meta.url))

export function install(): Installed {
  const network = newRange(4, 'INPUT')
  const [bpffs, directory] = [
    mkdtempSync(join(tmpdir(), 'bpft-bench-')),
    mkdtempSync(join(tmpdir(), 'bpft-bench-')),
  ]
  mountBpffs(bpffs)
  const environment = {
    BPFTABLES_BPFFS: join(bpffs, 'bpftables'),
    BPFTABLES_STATE_DIR: join(directory, 'state'),
    BPFTABLES_RUN_DIR: join(directory, 'run'),
    XTABLES_LOCKFILE: join(directory, 'lock'),
  }
  return {
    environment,
    inside: network.inside,
    run: (command, args, input = '') => network.inside(() => run(command, args, input, environment)),
    close: () => {
      network.inside(() => run(ours('bpftables'), ['detach', '--force'], '', environment))
      network.close()
      unmount(bpffs)
      rmdirSync(bpffs)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
