// From text to enforcing as a user has it: whole commands, each in a namespace that holds nothing yet, with Node's own start and the
// start of the others. The most memory that the process held is taken from GNU time, where that is installed.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isInstalled } from './contender/iptables.ts'
import { newRange } from './network.ts'
import type { Workload } from './workload.ts'

/** What a command took. */
export interface Loading {
  readonly command: string
  /** From its start to its end; the fastest of several runs. */
  readonly milliseconds: number
  /** Resident, at its most. */
  readonly kibibytes?: number
}

interface Loader {
  readonly title: string
  readonly words: readonly string[]
  readonly input: string
  /** Takes what was loaded away again. */
  readonly unload?: readonly string[]
}

/** From dist/bench. */
const ownCommand = (name: string): string => fileURLToPath(new URL(`../../bin/${name}`, import.meta.url))

/** iptables-nft-restore takes minutes for more. */
const MOST_RULES = 200_000

function loadersOf({ family, rules, text, nft }: Workload): Loader[] {
  const restore = (make: string): string => `${family === 4 ? 'iptables' : 'ip6tables'}-${make}-restore`
  const others: Loader[] = [
    { title: restore('legacy'), words: [restore('legacy')], input: text },
    { title: restore('nft'), words: [restore('nft')], input: text },
    ...(nft ? [{ title: 'nft set, by hand', words: ['nft', '-f', '-'], input: nft }] : []),
  ]
  return [
    { title: 'node -e 0', words: [process.execPath, '-e', '0'], input: '' },
    {
      title: 'bpftables apply',
      words: [ownCommand('bpftables'), 'apply', '--family', `${family}`, '-'],
      input: text,
      unload: [ownCommand('bpftables'), 'detach'],
    },
    ...others.filter(({ words: [command = ''] }) => rules <= MOST_RULES && isInstalled(command)),
  ]
}

const RUNS = 3

/** Times all commands that load a workload, in turns. */
export function measureLoading(workload: Workload, before: (what: string) => void = () => {}): Loading[] {
  const loaders = loadersOf(workload)
  const runs = Array.from({ length: workload.rules > 10_000 ? 1 : RUNS }, (_, run) =>
    loaders.map(loader => {
      before(`loading by ${loader.title}, run ${run + 1}`)
      return loadOnce(loader, workload)
    }),
  )
  return loaders.flatMap(
    ({ title }, index) =>
      fastest(
        title,
        runs.flatMap(run => run[index] ?? []),
      ) ?? [],
  )
}

function fastest(command: string, runs: readonly Taken[]): Loading | undefined {
  const best = runs.toSorted((a, b) => a.milliseconds - b.milliseconds)[0]
  return best && { command, ...best }
}

type Taken = Omit<Loading, 'command'>

const pinDirectory = `/sys/fs/bpf/bpftables-bench-${process.pid}`

/** Undefined where the command refuses the rules. */
function loadOnce(loader: Loader, { family, course }: Workload): Taken | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'bpftables-bench-'))
  const range = newRange(family, course)
  try {
    return range.inside(() => run(loader, directory))
  } finally {
    range.close()
    for (const made of [directory, pinDirectory]) rmSync(made, { recursive: true, force: true })
  }
}

function run({ words, input, unload }: Loader, directory: string): Taken | undefined {
  const environment = {
    ...process.env,
    BPFTABLES_BPFFS: pinDirectory,
    BPFTABLES_STATE_DIR: join(directory, 'state'),
    BPFTABLES_RUN_DIR: join(directory, 'run'),
    XTABLES_LOCKFILE: join(directory, 'lock'),
  }
  const [file, peak] = [join(directory, 'rules'), join(directory, 'peak')]
  writeFileSync(file, input)
  const timed = isInstalled('/usr/bin/time') ? ['/usr/bin/time', '-q', '-f', '%M', '-o', peak] : []
  const [command = '', ...rest] = [...timed, ...words]
  const began = performance.now()
  const { status } = spawnSync('sh', ['-c', 'exec "$@" < "$0"', file, command, ...rest], {
    env: environment,
    stdio: ['ignore', 'ignore', 'ignore'],
  })
  const milliseconds = performance.now() - began
  if (unload) spawnSync(unload[0] ?? '', unload.slice(1), { env: environment, stdio: 'ignore' })
  if (status !== 0) return undefined
  return { milliseconds, ...(timed.length > 0 && { kibibytes: Number(readFileSync(peak, 'utf8')) }) }
}
