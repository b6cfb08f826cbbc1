// What `bpftables apply` does with good and bad input, and that a bad one changes nothing.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { programIds } from '../../src/kernel/sys/object.ts'
import {
  commandPath,
  everythingIn,
  type Installation,
  type Outcome,
  runIn,
  withInstallation,
} from './installation.ts'
import { kernelTest } from './needs-kernel.ts'

const good = `# who may come in
*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p icmp -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
COMMIT
`

const apply = ({ run }: Installation, text: string, ...options: readonly string[]): Outcome =>
  run('bpftables', ['apply', ...options, '-'], text)

/** Input that must be refused, and what is said about it. */
const bad: Readonly<Record<string, { readonly text: string; readonly says: RegExp }>> = {
  'empty input': { text: '', says: /^-:1:1: there are no rules in this\n.*\n.*\nhint: /s },
  'binary input': { text: '*filter\n\0\x01\x02\nCOMMIT\n', says: /^-:2:1: this is not text\n/ },
  'a missing COMMIT': {
    text: '*filter\n-A INPUT -p tcp\n',
    says: /^-:1:1: the table filter has no COMMIT\n/,
  },
  'an unknown chain': {
    text: '*filter\n-A INPUT -j NOWHERE\nCOMMIT\n',
    says: /^-:2:10: there is no chain or target "NOWHERE"\n-A INPUT -j NOWHERE\n {9}\^~{9}\nhint: /,
  },
  'a chain loop': {
    text: '*filter\n:A - [0:0]\n:B - [0:0]\n-A INPUT -j A\n-A A -j B\n-A B -j A\nCOMMIT\n',
    says: /^-:\d+:\d+: the chains call one another in a circle: A -> B -> A\n/,
  },
  'a counter out of range': {
    text: '*filter\n:INPUT ACCEPT [0:0]\n[18446744073709551616:0] -A INPUT -p tcp\nCOMMIT\n',
    says: /^-:3:1: the counter 18446744073709551616 is out of range\n/,
  },
  'an unknown option': {
    text: '*filter\n-A INPUT --nonsense\nCOMMIT\n',
    says: /^-:2:10: .*--nonsense.*\n-A INPUT --nonsense\n {9}\^~+/,
  },
}

/** Without what others attach meanwhile. */
function ownStatus({ run }: Installation): unknown {
  const { others: _, ...own } = JSON.parse(run('bpftables', ['status', '--json']).stdout)
  return own
}

async function refuses(t: ExecutionContext, text: string, says: RegExp): Promise<void> {
  await withInstallation(installation => {
    t.is(apply(installation, good).code, 0)
    const before = ownStatus(installation)
    const { code, stdout, stderr } = apply(installation, text)
    t.is(code, 1)
    t.is(stdout, '')
    t.regex(stderr, says)
    t.deepEqual(ownStatus(installation), before)
  })
}

for (const [name, { text, says }] of Object.entries(bad))
  kernelTest(`apply refuses ${name} and changes nothing`, t => refuses(t, text, says))

kernelTest('apply refuses a rule that does not translate, says which, and changes nothing', t =>
  refuses(
    t,
    '*filter\n-A INPUT -p tcp --dport 23 -j DROP\n-A INPUT -m limit --limit 5/min -j ACCEPT\nCOMMIT\n',
    /^-:3:\d+: cannot translate -A INPUT -m limit --limit 5\/min -j ACCEPT: .+\n-A INPUT -m limit --limit 5\/min -j ACCEPT\n +\^~+\nhint: .+\none rule does not translate; nothing was done\n$/,
  ),
)

kernelTest('both families are put in force together', t =>
  withInstallation(({ directory, run }) => {
    const [v4, v6] = [join(directory, 'rules.v4'), join(directory, 'rules.v6')]
    writeFileSync(v4, good)
    writeFileSync(v6, good.replaceAll('icmp', 'ipv6-icmp'))
    t.is(run('bpftables', ['apply', v4, v6]).code, 0)
    t.regex(run('iptables-save').stdout, /-A INPUT -p icmp -j ACCEPT\n/)
    t.regex(run('ip6tables-save').stdout, /-A INPUT -p ipv6-icmp -j ACCEPT\n/)
    t.deepEqual(JSON.parse(run('bpftables', ['status', '--json']).stdout).families, [4, 6])
    t.is(run('bpftables', ['apply', v4]).code, 0)
    t.regex(run('ip6tables-save').stdout, /-A INPUT -p ipv6-icmp -j ACCEPT\n/)
  }),
)

kernelTest('two files of one family are refused', t =>
  withInstallation(({ directory, run }) => {
    const file = join(directory, 'rules')
    writeFileSync(file, good)
    const { code, stderr } = run('bpftables', ['apply', file, file])
    t.is(code, 2)
    t.regex(stderr, /more than one file holds IPv4 rules/)
  }),
)

kernelTest('a dry run changes nothing', t =>
  withInstallation(installation => {
    t.is(apply(installation, good, '--dry-run').code, 0)
    t.deepEqual(
      everythingIn(installation.bpffs).filter(path => path.startsWith('bpftables/')),
      [],
    )
    t.regex(installation.run('bpftables', ['status']).stdout, /no rules are loaded/)
  }),
)

kernelTest('other tables are left alone, and that is said', t =>
  withInstallation(installation => {
    const { code, stderr } = apply(installation, `*nat\n-A POSTROUTING -j ACCEPT\nCOMMIT\n${good}`)
    t.is(code, 0)
    t.regex(stderr, /^-: left to the kernel's own iptables: nat\n/)
  }),
)

kernelTest('a hook that cannot be had puts the rules before back in force', t =>
  withInstallation(installation => {
    t.is(apply(installation, good).code, 0)
    const { stderr, code } = runIn(
      installation.near,
      [commandPath('bpftables'), 'apply', '--hook', 'xdp', '-'],
      {
        input: good.replace('22', '23'),
        environment: { ...installation.environment, BPFTABLES_DEVICES: 'inside,nowhere' },
      },
    )
    t.is(code, 1)
    t.regex(stderr, /there is no device nowhere/)
    const status = JSON.parse(installation.run('bpftables', ['status', '--json']).stdout)
    t.true(status.enforces)
    t.is(status.generation, 1)
    t.regex(installation.run('iptables-save').stdout, /--dport 22 /)
  }),
)

kernelTest('a first apply that fails leaves nothing behind', t =>
  withInstallation(installation => {
    const { code } = runIn(installation.near, [commandPath('bpftables'), 'apply', '--hook', 'xdp', '-'], {
      input: good,
      environment: { ...installation.environment, BPFTABLES_DEVICES: 'inside,nowhere' },
    })
    t.is(code, 1)
    t.deepEqual(
      everythingIn(installation.bpffs).filter(path => path.startsWith('bpftables/')),
      [],
    )
  }),
)

kernelTest('detach leaves no pin and no program', t =>
  withInstallation(async installation => {
    const before = new Set(programIds())
    t.is(apply(installation, good).code, 0)
    t.true([...programIds()].some(id => !before.has(id)))
    const { stdout } = installation.run('bpftables', ['status', '--json'])
    const ours: number[] = JSON.parse(stdout).lanes.map(({ programId }: { programId: number }) => programId)
    t.is(installation.run('bpftables', ['detach']).code, 0)
    t.deepEqual(
      everythingIn(installation.bpffs).filter(path => path.startsWith('bpftables/')),
      [],
    )
    await gone(ours)
    t.pass()
  }),
)

/** Resolves when none of these programs is left; the kernel frees them a grace period after the last use. */
async function gone(programs: readonly number[]): Promise<void> {
  while ([...programIds()].some(id => programs.includes(id)))
    await new Promise(resolve => setTimeout(resolve, 20))
}

kernelTest('another network namespace is told apart', t =>
  withInstallation(installation => {
    t.is(apply(installation, good).code, 0)
    const elsewhere = (...args: readonly string[]): Outcome =>
      runIn(installation.far, [commandPath('bpftables'), ...args], {
        input: good,
        environment: installation.environment,
      })
    for (const args of [['apply', '-'], ['detach'], ['stats']]) {
      const { code, stderr } = elsewhere(...args)
      t.is(code, 1)
      t.regex(stderr, /the rules are those of the network namespace net:\[\d+\], and this is net:\[\d+\]/)
    }
    t.regex(elsewhere('status').stdout, /NOT enforced/)
    t.is(installation.run('bpftables', ['status']).code, 0)
  }),
)
