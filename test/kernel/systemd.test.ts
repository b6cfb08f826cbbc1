// The unit under real systemd: it restores before the network is up, stopping it leaves the rules enforcing, a reboot brings them back.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import type { Outcome } from './installation.ts'
import { type Machine, withMachine } from './machine.ts'
import { kernelTest } from './needs-kernel.ts'

const rules = String.raw`*filter\n:INPUT DROP [0:0]\n-A INPUT -m state --state INVALID -j DROP\n-A INPUT -p udp --dport 1000 -j ACCEPT\nCOMMIT\n`
const nat = String.raw`*nat\n-A POSTROUTING -o outside -j MASQUERADE\nCOMMIT\n`

/** Sends to two ports of the loopback device and prints those that were reached. */
const reach = `
  const { createSocket } = require('node:dgram')
  const reached = []
  const socket = port => new Promise(ready => {
    const server = createSocket('udp4', () => reached.push(port))
    server.bind(port, '127.0.0.1', () => ready(server))
  })
  Promise.all([1000, 2000].map(socket)).then(async servers => {
    const client = createSocket('udp4')
    for (const port of [2000, 1000]) await new Promise(sent => client.send('x', port, '127.0.0.1', sent))
    // what was sent to 2000 is in its socket, if it ever will be, before what was sent to 1000
    for (let tries = 0; tries < 200 && !reached.includes(1000); tries++) await new Promise(next => setTimeout(next, 10))
    await new Promise(next => setTimeout(next, 10))
    console.log(reached.sort().join())
    for (const each of [client, ...servers]) each.close()
  })`

const reached = ({ run }: Machine): string => run('node', '-e', reach).stdout.trim()

const systemd = existsSync('/lib/systemd/systemd') && spawnSync('systemctl', ['--version']).status === 0

if (!systemd) test.skip('the unit under systemd (skipped: needs systemd)', t => t.pass())
else
  kernelTest('the unit restores the rules at boot, and stopping it leaves them', t =>
    withMachine(async machine => {
      const { run } = machine
      const active = (): string => run('systemctl', 'is-active', 'bpftables').stdout.trim()
      run('ln', '-s', '/opt/bpftables/bin/bpftables', '/usr/bin/bpftables')
      run('cp', '/opt/bpftables/systemd/bpftables.service', '/etc/systemd/system/')
      const checked = run('systemd-analyze', 'verify', '--recursive-errors=no', 'bpftables.service')
      t.is(checked.code, 0, checked.stderr)
      t.is(run('systemctl', 'enable', '--now', 'bpftables').code, 0)
      t.is(active(), 'active', run('journalctl', '-u', 'bpftables', '--no-pager').stdout)
      t.is(reached(machine), '1000,2000')

      const applied = run('sh', '-c', `printf '${rules}' | bpftables apply -`)
      t.is(applied.code, 0, applied.stderr)
      t.is(reached(machine), '1000')
      t.is(run('systemctl', 'stop', 'bpftables').code, 0)
      t.is(active(), 'inactive')
      t.is(reached(machine), '1000')

      await machine.reboot()
      t.is(active(), 'active', run('systemctl', 'status', 'bpftables').stdout)
      t.is(run('bpftables', 'status').code, 0)
      t.is(reached(machine), '1000')
      t.is(run('systemctl', 'restart', 'bpftables').code, 0)
      t.is(reached(machine), '1000')
      await leaveTables(t, machine)
    }),
  )

/** What is left to the kernel's own iptables is restored inside of the unit's sandbox as well, whichever that is. */
async function leaveTables(t: ExecutionContext, machine: Machine): Promise<void> {
  const { run } = machine
  const sh = (script: string): Outcome => run('sh', '-c', script)
  for (const program of ['iptables-legacy', 'iptables-nft']) {
    if (sh(`command -v ${program}`).code !== 0) continue
    const directory = '/etc/systemd/system/bpftables.service.d'
    const setting = `BPFTABLES_PASSTHROUGH=${program}`
    sh(`mkdir -p ${directory}; printf '[Service]\\nEnvironment=${setting}\\n' > ${directory}/program.conf`)
    const applied = sh(`printf '${nat}${rules}' | ${setting} bpftables apply -`)
    t.is(applied.code, 0, applied.stderr)
    await machine.reboot()
    t.regex(
      sh(`${program}-save`).stdout,
      /^-A POSTROUTING -o outside -j MASQUERADE$/m,
      sh('journalctl -u bpftables --no-pager').stdout,
    )
    t.is(reached(machine), '1000')
  }
}

const unit = 'systemd/bpftables.service'

if (!systemd) test.skip('the unit is hardened (skipped: needs systemd)', t => t.pass())
else
  test('the unit is hardened', t => {
    const { status, stdout } = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', '--threshold=30', unit],
      { encoding: 'utf8' },
    )
    t.is(status, 0, stdout)
  })
