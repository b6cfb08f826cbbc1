// Devices that get another name, or go, while rules are loaded at them: their links stay, and so do the rules, and they can be changed.

import { execFileSync } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { type Installation, runIn, withInstallation } from './installation.ts'
import { kernelTest } from './needs-kernel.ts'

const rules = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p udp -m udp --dport 7 -j DROP
COMMIT
`

const link = ({ near }: Installation, ...options: readonly string[]): void => {
  execFileSync('ip', ['-n', near, 'link', ...options], { stdio: ['ignore', 'ignore', 'pipe'] })
}

const rename = (installation: Installation, from: string, to: string): void => {
  link(installation, 'set', from, 'down')
  link(installation, 'set', from, 'name', to)
  link(installation, 'set', to, 'up')
}

interface Said {
  readonly enforces: boolean
  readonly problems: readonly string[]
  readonly attachments: readonly { readonly hook: string; readonly on: string; readonly link?: object }[]
}

const status = ({ run }: Installation): Said => JSON.parse(run('bpftables', ['status', '--json']).stdout)

/** The devices that status says have a link, with its id. */
const linked = ({ attachments }: Said): readonly (readonly [string, object | undefined])[] =>
  attachments
    .filter(({ hook }) => hook === 'xdp' || hook === 'tc-ingress')
    .map(({ on, link }) => [on, link] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1))

for (const hook of ['auto', 'tc', 'xdp'])
  kernelTest(`${hook}: a device that is renamed keeps its link, and rules can be changed`, t =>
    withInstallation(installation => {
      const { run } = installation
      const apply = () => run('bpftables', ['apply', '--hook', hook, '-'], rules)
      link(installation, 'add', 'other', 'type', 'veth', 'peer', 'name', 'another')
      t.is(apply().code, 0)
      const [, inside, other] = linked(status(installation)).map(([, attached]) => attached)
      t.truthy(inside)

      rename(installation, 'inside', 'eth0')
      const renamed = status(installation)
      t.true(renamed.enforces)
      t.deepEqual(renamed.problems, [])
      t.deepEqual(new Map(linked(renamed)).get('eth0'), inside)
      t.is(apply().code, 0)
      t.deepEqual(new Map(linked(status(installation))).get('eth0'), inside)

      rename(installation, 'eth0', 'spare')
      rename(installation, 'other', 'eth0')
      rename(installation, 'spare', 'other')
      t.is(apply().code, 0)
      const exchanged = status(installation)
      t.true(exchanged.enforces)
      t.deepEqual(new Map(linked(exchanged)).get('eth0'), other)
      t.deepEqual(new Map(linked(exchanged)).get('other'), inside)
    }),
  )

for (const hook of ['auto', 'tc', 'xdp'])
  kernelTest(`${hook}: a device that is gone takes no rule along, and status says that it is gone`, t =>
    withInstallation(installation => {
      link(installation, 'add', 'other', 'type', 'veth', 'peer', 'name', 'another')
      t.is(installation.run('bpftables', ['apply', '--hook', hook, '-'], rules).code, 0)
      link(installation, 'delete', 'other')
      const { enforces, problems } = status(installation)
      t.true(enforces)
      t.is(problems.filter(problem => /there is no device other any more/.test(problem)).length, 1)
    }),
  )

const ADDRESS = '198.51.100.1'

/** A device in the near namespace with that name and index, and the far end of it in the far one. */
const plug = (installation: Installation, name: string, index: string): void => {
  const { near, far } = installation
  const peer = ['peer', 'name', 'plug', 'netns', far]
  link(installation, 'add', name, 'index', index, 'type', 'veth', ...peer)
  for (const [namespace, device, address] of [
    [near, name, ADDRESS],
    [far, 'plug', '198.51.100.2'],
  ] as const) {
    execFileSync('ip', ['-n', namespace, 'address', 'add', `${address}/24`, 'dev', device])
    execFileSync('ip', ['-n', namespace, 'link', 'set', device, 'up'])
  }
}

const sendDatagram = ({ far }: Installation): void => {
  const script = `const socket = require('dgram').createSocket('udp4'); socket.send('x', 7, '${ADDRESS}', () => socket.close())`
  if (runIn(far, [process.execPath, '-e', script]).code !== 0) throw new Error('the datagram was not sent')
}

const counted = async ({ run }: Installation, packets: number): Promise<boolean> => {
  for (let attempt = 0; attempt < 20; attempt++) {
    if (run('iptables-save', ['-c']).stdout.includes(`[${packets}:`)) return true
    await setTimeout(100)
  }
  return false
}

for (const hook of ['auto', 'tc', 'xdp'])
  kernelTest(`${hook}: a device that comes by the index of one that is gone is filtered`, t =>
    withInstallation(async installation => {
      plug(installation, 'first', '77')
      t.is(installation.run('bpftables', ['apply', '--hook', hook, '-'], rules).code, 0)
      sendDatagram(installation)
      t.true(await counted(installation, 1))
      link(installation, 'delete', 'first')
      plug(installation, 'second', '77')
      sendDatagram(installation)
      t.true(await counted(installation, 2))
    }),
  )
