// The history of rule hits, through the commands that add to it and ask it.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { databasePath } from '../../src/stats/beginning.ts'
import { answeredEchoes, farToNear } from './echo.ts'
import { commandPath, type Installation, type Outcome, runIn, withInstallation } from './installation.ts'
import { kernelTest } from './needs-kernel.ts'

const rules = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p icmp -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
`

const succeed = ({ code, stderr, stdout }: Outcome): string => {
  if (code !== 0) throw new Error(stderr)
  return stdout
}

const load = ({ run }: Installation, file = rules): Outcome => {
  const outcome = run('bpftables', ['apply', '-'], file)
  succeed(outcome)
  return outcome
}

const ping = ({ far }: Installation, count: number): number => answeredEchoes(farToNear(far), count)

/** Packets of the rules of INPUT, without the policy. */
const packets = ({ run }: Installation, ...options: readonly string[]): Record<string, number> =>
  Object.fromEntries(
    JSON.parse(succeed(run('bpftables', ['stats', '--json', '--chain', 'INPUT', ...options])))
      .filter(({ number }: { number: number }) => number > 0)
      .map(({ rule, packets }: { rule: string; packets: number }) => [rule, packets]),
  )

const icmp = '-A INPUT -p icmp -j ACCEPT'
const ssh = '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT'

kernelTest('hits are told since a time, through edits, resets and reloads that lose the counters', t =>
  withInstallation(installation => {
    const { run } = installation
    load(installation)
    t.is(ping(installation, 3), 3)
    t.deepEqual(packets(installation, '--since', '1h'), { [icmp]: 3, [ssh]: 0 })
    succeed(run('iptables', ['-Z']))
    t.is(ping(installation, 4), 4)
    succeed(run('iptables', ['-D', 'INPUT', '-p', 'icmp', '-j', 'ACCEPT']))
    succeed(run('iptables', ['-I', 'INPUT', '-p', 'icmp', '-j', 'ACCEPT']))
    t.is(ping(installation, 5), 5)
    t.deepEqual(packets(installation), { [icmp]: 5, [ssh]: 0 })
    t.deepEqual(packets(installation, '--since', 'boot'), { [icmp]: 12, [ssh]: 0 })
    succeed(run('bpftables', ['detach']))
    load(installation)
    t.is(ping(installation, 6), 6)
    t.deepEqual(packets(installation), { [icmp]: 6, [ssh]: 0 })
    t.deepEqual(packets(installation, '--since', '1h'), { [icmp]: 18, [ssh]: 0 })
    const { stderr } = run('bpftables', ['stats', '--since', '1h'])
    t.regex(stderr, /^the history does not reach back to 20.*; hits since it began, 20.*\n$/)
  }),
)

kernelTest('an inserted twin takes no hits of the rule that reads the same', t =>
  withInstallation(installation => {
    const { run } = installation
    load(installation)
    t.is(ping(installation, 3), 3)
    succeed(run('iptables', ['-I', 'INPUT', '-p', 'icmp', '-j', 'ACCEPT']))
    t.is(ping(installation, 2), 2)
    const hits = JSON.parse(
      succeed(run('bpftables', ['stats', '--json', '--since', '1h', '--chain', 'INPUT'])),
    )
    // by text they are the first and the second of their kind, whichever was there before
    t.deepEqual(
      hits.map((hit: { packets: number }) => hit.packets),
      [0, 5, 0, 0],
    )
  }),
)

kernelTest('unused rules are those not hit for so long, and the others are not claimed to be', t =>
  withInstallation(installation => {
    const { run } = installation
    load(installation)
    const unknown = run('bpftables', ['stats', '--unused', '1h', '--chain', 'INPUT'])
    t.is(unknown.stdout, 'UNUSED SINCE         PACKETS BYTES  RULE\n')
    t.regex(unknown.stderr, /^3 more rules were not hit since they were first seen, 20.* or later\n$/)
    const history = new Database(databasePath(installation.settings))
    history.exec('UPDATE reading SET time = time - 7200000')
    history.close()
    t.is(ping(installation, 1), 1)
    t.deepEqual(packets(installation, '--unused', '1h'), { [ssh]: 0 })
    t.regex(
      succeed(run('bpftables', ['stats', '--unused', '90m', '--chain', 'INPUT'])),
      /^UNUSED SINCE .*\n20\d\d-\d\d-\d\d \d\d:\d\d:\d\d +0 +0 {2}:INPUT DROP\n20.* 0 {2}-A INPUT -p tcp .*\n$/,
    )
    t.regex(
      run('bpftables', ['stats', '--since', '90m']).stderr,
      /^hits since 20.*, the last reading at or before 20/,
    )
    t.deepEqual(packets(installation, '--since', '90m'), { [icmp]: 1, [ssh]: 0 })
  }),
)

kernelTest('only commands that lose counts load SQLite', t =>
  withInstallation(installation => {
    load(installation)
    t.deepEqual(
      readdirSync(installation.settings.stateDirectory).filter(name => name.startsWith('statistics')),
      ['statistics.beginning'],
    )
    const preload = join(installation.directory, 'preload.cjs')
    const found = join(installation.directory, 'found')
    writeFileSync(
      preload,
      `process.on('exit', () => {
        if (require('node:fs').readFileSync('/proc/self/maps', 'utf8').includes('better_sqlite3'))
          require('node:fs').writeFileSync(${JSON.stringify(found)}, '')
      })`,
    )
    const environment = { ...installation.environment, NODE_OPTIONS: `--require=${preload}` }
    const loadsSqlite = (command: string, ...args: readonly string[]): boolean => {
      succeed(runIn(installation.near, [commandPath(command), ...args], { environment }))
      return existsSync(found)
    }
    t.false(loadsSqlite('iptables-save', '-c'))
    t.false(loadsSqlite('iptables', '-L'))
    t.false(loadsSqlite('iptables', '-A', 'INPUT', '-p', 'udp', '-j', 'ACCEPT'))
    t.false(loadsSqlite('iptables', '-N', 'NEW'))
    t.false(loadsSqlite('bpftables', 'status'))
    t.true(loadsSqlite('iptables', '-D', 'INPUT', '-p', 'udp', '-j', 'ACCEPT'))
  }),
)

kernelTest('a history that cannot be written is said, and stops nothing', t =>
  withInstallation(installation => {
    const { run, settings } = installation
    load(installation)
    writeFileSync(databasePath(settings), 'damaged'.repeat(1000))
    const says = `bpftables: hits are not recorded: ${databasePath(settings)} is damaged: file is not a database\n`
    const stats = run('bpftables', ['stats'])
    t.is(stats.code, 0)
    t.is(stats.stderr, says)
    t.regex(stats.stdout, /-A INPUT -p icmp/)
    t.deepEqual(run('iptables', ['-Z']), { code: 0, stdout: '', stderr: says })
    t.is(load(installation, '*filter\nCOMMIT\n').stderr, `${says}generation 3: IPv4 at netfilter\n`)
    const asked = run('bpftables', ['stats', '--since', '1h'])
    t.is(asked.code, 1)
    t.is(
      asked.stderr,
      `${says}bpftables: ${databasePath(settings)} is damaged: file is not a database\nhint: Move it away, and a new history begins.\n`,
    )
    const detached = run('bpftables', ['detach'])
    t.is(detached.code, 0)
    t.true(detached.stderr.startsWith(says))
    t.is(readFileSync(databasePath(settings), 'utf8'), 'damaged'.repeat(1000))
  }),
)

kernelTest('the history is read where the state directory is read-only', t =>
  withInstallation(installation => {
    const { near, environment, settings } = installation
    load(installation)
    t.is(ping(installation, 2), 2)
    const { code, stdout, stderr } = runIn(
      near,
      [
        ...['unshare', '--mount', 'sh', '-c'],
        'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$0" stats --json --chain INPUT --since 1h',
        commandPath('bpftables'),
        settings.stateDirectory,
      ],
      { environment },
    )
    t.is(code, 0, stderr)
    t.regex(
      stderr,
      /^bpftables: hits are not recorded: cannot use .*\/statistics\.db: read-only file system\nthe history .*\n$/,
    )
    t.deepEqual(
      JSON.parse(stdout).map((hit: { packets: number }) => hit.packets),
      [0, 2, 0],
    )
  }),
)

kernelTest('watching shows the rules that are hit, through a change of the rules, and ends quietly', t =>
  withInstallation(async installation => {
    load(installation)
    const watch = spawn(
      'nsenter',
      [
        `--net=/run/netns/${installation.near}`,
        commandPath('bpftables'),
        'stats',
        '--watch',
        '--chain',
        'INPUT',
      ],
      { env: { ...process.env, ...installation.environment } },
    )
    const complaints = text(watch.stderr)
    const ended = once(watch, 'exit')
    try {
      let shown = ''
      watch.stdout.setEncoding('utf8').on('data', chunk => {
        shown += chunk
      })
      const shows = async (line: RegExp): Promise<void> => {
        while (!line.test(shown) && watch.exitCode === null) {
          ping(installation, 1)
          await sleep(100)
        }
        t.regex(shown, line)
      }
      await shows(/^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d +\d+ +\d+ {2}-A INPUT -p icmp -j ACCEPT\n/)
      load(installation, rules.replace('-A INPUT -p icmp', '-A INPUT -p icmp -m comment --comment new'))
      await shows(/--comment new -j ACCEPT\n/)
      t.notRegex(shown, /dport 22/)
      watch.kill('SIGINT')
      t.deepEqual(await ended, [0, null])
      t.is(await complaints, '')
    } finally {
      watch.kill('SIGKILL')
    }
  }),
)
