// A swap of rules under traffic: no packet that policy DROP should stop ever passes, and none that should pass is lost.

import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { type SwapStep, swapSteps } from '../../src/service/swap.ts'
import { type Installation, withInstallation } from './installation.ts'
import { kernelTestNeeding } from './needs-kernel.ts'
import { openPort, readPorts, startStream, watchPorts } from './stream.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const rules = (comment: string): string =>
  [
    '*filter',
    ':INPUT DROP [0:0]',
    ':FORWARD ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    `-A INPUT -m comment --comment ${comment}`,
    `-A INPUT -p udp --dport ${openPort} -j ACCEPT`,
    'COMMIT\n',
  ].join('\n')

function write({ directory }: Installation, name: string): string {
  const path = join(directory, `${name}.v4`)
  writeFileSync(path, rules(name))
  return path
}

/** What is in force, by the comment of its first rule. */
const inForce = ({ run }: Installation): string | undefined =>
  / --comment (\w+)/.exec(run('iptables-save').stdout)?.[1]

/** Runs `body` under traffic with rules in force, and asserts that packets went as the rules say, all the time. */
async function underTraffic(
  t: ExecutionContext,
  body: (installation: Installation) => void | Promise<void>,
): Promise<void> {
  await withInstallation(async installation => {
    t.is(installation.run('bpftables', ['apply', write(installation, 'first')]).code, 0)
    watchPorts(installation)
    const stream = await startStream(installation)
    await body(installation)
    const sent = await stream.stop()
    t.deepEqual(readPorts(installation), { open: sent, closed: 0 })
  })
}

kernelTest('rules are swapped under traffic without a hole', t =>
  underTraffic(t, installation => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) {
      t.is(installation.run('bpftables', ['apply', write(installation, name)]).code, 0)
      t.is(inForce(installation), name)
    }
  }),
)

kernelTest('rules are edited and restored under traffic without a hole', t =>
  underTraffic(t, ({ run }) => {
    for (let port = 3000; port < 3004; port += 1)
      t.is(
        run('iptables-restore', ['-n'], `*filter\n-I INPUT -p udp --dport ${port} -j DROP\nCOMMIT\n`).code,
        0,
      )
    t.is(run('iptables-restore', [], rules('restored')).code, 0)
  }),
)

kernelTest('hooks are changed under traffic without a hole', t =>
  underTraffic(t, installation => {
    for (const hook of ['xdp', 'netfilter', 'tc', 'xdp', 'netfilter']) {
      const { code, stderr } = installation.run('bpftables', [
        'apply',
        '--hook',
        hook,
        write(installation, hook),
      ])
      t.is(code, 0, stderr)
      t.is(installation.run('bpftables', ['status']).code, 0)
    }
  }),
)

kernelTest("counters that a killed process left behind are in nobody's way", t =>
  withInstallation(installation => {
    const many = (count: number): string =>
      rules('many').replace('COMMIT', `${'-A INPUT -p tcp -j ACCEPT\n'.repeat(count)}COMMIT`)
    const file = join(installation.directory, 'many.v4')
    for (const count of [3000, 9000]) {
      writeFileSync(file, many(count))
      t.is(applyKilled(installation, file, 'counters', 'auto'), 'SIGKILL')
      t.is(installation.run('bpftables', ['apply', write(installation, 'few')]).code, 0)
      t.is(inForce(installation), 'few')
    }
  }),
)

const worker = fileURLToPath(new URL('./swap-worker.js', import.meta.url))

/** Applies a file in a process that is killed before `step`. */
function applyKilled(
  { near, environment }: Installation,
  file: string,
  step: SwapStep,
  hook: string,
): string | null {
  const args = [`--net=/run/netns/${near}`, process.execPath, worker, file, step, hook]
  return spawnSync('nsenter', args, { env: { ...process.env, ...environment } }).signal
}

const isCommitted = (step: SwapStep): boolean => swapSteps.indexOf(step) > swapSteps.indexOf('commit')

for (const step of swapSteps)
  kernelTest(`a swap killed before the step "${step}" leaves a whole rule set enforcing`, t =>
    underTraffic(t, installation => {
      const next = write(installation, 'next')
      t.is(applyKilled(installation, next, step, 'auto'), 'SIGKILL')
      t.is(inForce(installation), isCommitted(step) ? 'next' : 'first')
      t.is(installation.run('bpftables', ['status']).code, 0)
      t.is(installation.run('bpftables', ['apply', write(installation, 'last')]).code, 0)
      t.is(inForce(installation), 'last')
    }),
  )

for (const step of ['fill', 'commit', 'attach', 'record'] as const)
  kernelTest(`a change of hooks killed before the step "${step}" leaves no hole`, t =>
    underTraffic(t, installation => {
      t.is(applyKilled(installation, write(installation, 'next'), step, 'xdp'), 'SIGKILL')
      const { code, stderr } = installation.run('bpftables', [
        'apply',
        '--hook',
        'xdp',
        write(installation, 'last'),
      ])
      t.is(code, 0, stderr)
      t.is(installation.run('bpftables', ['status']).code, 0)
    }),
  )

kernelTest('a first load that is killed before it is in force leaves nothing at the device', t =>
  withInstallation(installation => {
    const file = write(installation, 'first')
    t.is(applyKilled(installation, file, 'commit', 'xdp'), 'SIGKILL')
    t.is(programsAt(installation), 0)
    t.is(installation.run('bpftables', ['apply', '--hook', 'xdp', file]).code, 0)
    t.is(inForce(installation), 'first')
    t.is(programsAt(installation), 1)
  }),
)

/** How many devices have an XDP program. */
function programsAt({ near }: Installation): number {
  const { stdout } = spawnSync('nsenter', [`--net=/run/netns/${near}`, 'ip', '-j', 'link', 'show'])
  const devices: readonly { readonly xdp?: object }[] = JSON.parse(`${stdout}`)
  return devices.filter(({ xdp }) => xdp).length
}
