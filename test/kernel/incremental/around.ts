// Edits that make programs anew around what goes on, in an installation whose far end sends echo requests.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { answeredEchoes, farToNear } from '../echo.ts'
import { type Installation, type Outcome, withInstallation } from '../installation.ts'

/** The far end's echo requests. */
export const pings = '-d 192.0.2.1/32 -p icmp -m icmp --icmp-type 8 -j DROP'

export const succeed = ({ code, stderr, stdout }: Outcome): string => {
  if (code !== 0) throw new Error(stderr)
  return stdout
}

/** How many of them are answered. */
export const ping = ({ far }: Installation, count = 1): number => answeredEchoes(farToNear(far), count)

export const saved = ({ run }: Installation, ...options: readonly string[]): string =>
  succeed(run('iptables-save', options))

/** Words of iptables, and how many of two echo requests are answered then. */
export type AnsweredEdits = readonly (readonly [words: string, answered: number])[]

/** Makes edits one after the other, and looks behind each at what is answered, and at what else is wanted. */
export function editOneByOne(
  t: ExecutionContext,
  installation: Installation,
  edits: AnsweredEdits,
  look: (words: string) => void = () => {},
): void {
  for (const [words, answered] of edits) {
    succeed(installation.run('iptables', words.split(' ')))
    t.is(ping(installation, 2), answered, words)
    look(words)
  }
}

/** An installation with these rules of INPUT, each without `-A INPUT`, and user chains that they call, which are empty. */
export const withRules = (
  rules: readonly string[],
  body: (installation: Installation) => void,
  chains: readonly string[] = [],
): Promise<void> =>
  withInstallation(async installation => {
    restore(
      installation,
      chains,
      rules.map(rule => `-A INPUT ${rule}`),
    )
    body(installation)
  })

/** One at netfilter alone with these user chains and these rules, as iptables-save prints them. */
export const withChains = (
  chains: readonly string[],
  rules: readonly string[],
  body: (installation: Installation) => void,
): Promise<void> =>
  withInstallation(
    async installation => {
      restore(installation, chains, rules)
      body(installation)
    },
    { BPFTABLES_HOOK: 'netfilter' },
  )

function restore({ run }: Installation, chains: readonly string[], rules: readonly string[]): void {
  const bases = ['INPUT', 'FORWARD', 'OUTPUT'].map(name => `:${name} ACCEPT [0:0]`)
  const user = chains.map(name => `:${name} - [0:0]`)
  succeed(run('iptables-restore', [], ['*filter', ...bases, ...user, ...rules, 'COMMIT\n'].join('\n')))
}

const worker = fileURLToPath(new URL('./around-worker.js', import.meta.url))

/** Makes an edit in a process that is killed before a step of the swap; the signal it died of. */
function editKilled(
  { near, environment }: Installation,
  step: string,
  ...words: readonly string[]
): string | null {
  const args = [`--net=/run/netns/${near}`, process.execPath, worker, step, ...words]
  return spawnSync('nsenter', args, { env: { ...process.env, ...environment } }).signal
}

/** Puts in the rule that drops echo requests, in a process that is killed before a step: from some step on it is there, and they are dropped. Whether it is. */
export function insertKilled(
  t: ExecutionContext,
  installation: Installation,
  step: string,
  number: number,
): boolean {
  t.is(editKilled(installation, step, '-I', 'INPUT', `${number}`, ...pings.split(' ')), 'SIGKILL')
  const there = saved(installation).includes(`-A INPUT ${pings}\n`)
  t.is(there, ['attach', 'record', 'clean'].includes(step))
  t.is(ping(installation, 2), there ? 0 : 2)
  return there
}
