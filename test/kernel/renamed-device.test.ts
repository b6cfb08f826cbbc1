// Devices that get another name, or go, while rules are loaded at them: their links stay, and so do the rules, and they can be changed.

import { execFileSync } from 'node:child_process'
import { type Installation, withInstallation } from './installation.ts'
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
