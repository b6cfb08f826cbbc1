// The kernel's own iptables, in both makes.

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Family } from 'iptables-parser'
import { run } from '../network.ts'
import type { Workload } from '../workload.ts'
import { type Contender, timed } from './contender.ts'

type Make = 'legacy' | 'nft'

/** Loading so many rules the slow way, and one packet through them, takes this benchmark too long. */
const MOST_RULES = 20_000

const restoreCommand = (make: Make, family: Family): string =>
  `${family === 4 ? 'iptables' : 'ip6tables'}-${make}-restore`

/** The sum over all rules and policies of a text as iptables-save -c writes it. */
const countedIn = (text: string): bigint =>
  [...text.matchAll(/^(?::\S+ \S+ )?\[(\d+):\d+\]/gm)].reduce(
    (sum, [, packets = '0']) => sum + BigInt(packets),
    0n,
  )

/** Whether a command is there to be run. */
export const isInstalled = (command: string): boolean =>
  spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined

/** With a lock of its own, so that nothing outside of the namespace is waited for. */
function restore(command: string, text: string): void {
  const lock = join(tmpdir(), `bpftables-bench-${process.pid}.lock`)
  try {
    run(command, [], text, { XTABLES_LOCKFILE: lock })
  } finally {
    rmSync(lock, { force: true })
  }
}

export const iptables = (make: Make): Contender => ({
  name: `iptables-${make}`,
  unfit: ({ family, rules }: Workload) => {
    const command = restoreCommand(make, family)
    if (!isInstalled(command)) return `${command} is not installed`
    return rules > MOST_RULES ? 'too slow at this size to wait for' : undefined
  },
  load: (range, { family, text }) => {
    const [milliseconds] = range.inside(() => timed(() => restore(restoreCommand(make, family), text)))
    const save = restoreCommand(make, family).replace(/restore$/, 'save')
    return {
      milliseconds,
      counted: () => countedIn(range.inside(() => run(save, ['-c', '-t', 'filter']))),
      close: () => {},
    }
  },
})
