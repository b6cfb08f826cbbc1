// The commands as users and scripts call them, against the kernel.

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { answeredEchoes, farToNear } from './echo.ts'
import { commandPath, type Installation, runIn, withInstallation } from './installation.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const rules = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p icmp -m comment --comment first -j ACCEPT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
`

const withoutDates = (saved: string): string => saved.replace(/^#.*\n/gm, '')

const counted = (installation: Installation): string =>
  withoutDates(installation.run('iptables-save', ['-c']).stdout)

/** The bytes of an echo request of the tests: IP and ICMP headers. */
const ECHO_BYTES = 28

const load = ({ run }: Installation, text = rules): void => {
  const { code, stderr } = run('bpftables', ['apply', '-'], text)
  if (code !== 0) throw new Error(stderr)
}

kernelTest('counters of rules that stay are carried over by apply', t =>
  withInstallation(installation => {
    load(installation)
    t.is(answeredEchoes(farToNear(installation.far), 3), 3)
    load(installation, rules.replace('-A INPUT -p icmp', '-A INPUT -p udp -j ACCEPT\n-A INPUT -p icmp'))
    t.is(answeredEchoes(farToNear(installation.far), 2), 2)
    const saved = counted(installation)
    t.true(
      saved.includes(`[5:${5 * ECHO_BYTES}] -A INPUT -p icmp -m comment --comment first -j ACCEPT\n`),
      saved,
    )
    t.true(saved.includes('[0:0] -A INPUT -p udp -j ACCEPT\n'), saved)
  }),
)

kernelTest('an edit keeps the counters of all other rules, also of one that reads the same', t =>
  withInstallation(installation => {
    load(installation)
    t.is(answeredEchoes(farToNear(installation.far), 3), 3)
    const twin = ['-p', 'icmp', '-m', 'comment', '--comment', 'first', '-j', 'ACCEPT']
    t.is(installation.run('iptables', ['-A', 'INPUT', ...twin]).code, 0)
    t.is(installation.run('iptables', ['-I', 'INPUT', ...twin]).code, 0)
    t.is(answeredEchoes(farToNear(installation.far), 1), 1)
    const hits = counted(installation).match(/^\[(\d+):\d+\] -A INPUT -p icmp/gm)
    t.deepEqual(hits, ['[1:28] -A INPUT -p icmp', '[3:84] -A INPUT -p icmp', '[0:0] -A INPUT -p icmp'])
    t.is(installation.run('iptables', ['-Z', 'INPUT', '2']).code, 0)
    t.regex(counted(installation), /\[1:28\] -A INPUT -p icmp.*\n\[0:0\] -A INPUT -p icmp/)
  }),
)

/** What iptables-legacy and we make of the same files, one restored after the other. */
const restores: Readonly<Record<string, readonly (readonly [readonly string[], string])[]>> = {
  'counters begin at zero without -c': [[[], rules.replaceAll('[0:0]', '[5:6]')]],
  "counters are the file's with -c": [
    [['-c'], rules.replace(':INPUT DROP [0:0]', ':INPUT DROP [5:6]').replace('-A', '[7:8] -A')],
  ],
  'what is not mentioned stays with -n': [
    [['-c'], rules.replace('-A', '[7:8] -A')],
    [['-n'], '*filter\n:NEW - [0:0]\n-I INPUT 2 -j NEW\n-A NEW -p udp -j ACCEPT\nCOMMIT\n'],
  ],
  'a policy that is not mentioned stays': [
    [[], rules],
    [[], '*filter\n-A INPUT -p udp -j ACCEPT\nCOMMIT\n'],
  ],
  'a test changes nothing': [
    [[], rules],
    [['-t'], '*filter\n-A INPUT -p udp -j ACCEPT\nCOMMIT\n'],
  ],
  'another table is not restored with -T': [
    [[], rules],
    [['-T', 'filter'], '*nat\n-A OUTPUT -j ACCEPT\nCOMMIT\n*filter\n-A INPUT -p udp\nCOMMIT\n'],
  ],
  'a chain that is not there': [[[], '*filter\n-A NOWHERE -p tcp\nCOMMIT\n']],
  'a target that is not there': [[[], '*filter\n-A INPUT -j NOWHERE\nCOMMIT\n']],
  'a rule to delete that is not there': [[['-n'], '*filter\n-D INPUT -p tcp\nCOMMIT\n']],
  'an option that is not there': [[[], '*filter\n-A INPUT --nonsense\nCOMMIT\n']],
  'nothing at all': [[[], '']],
}

for (const [name, steps] of Object.entries(restores))
  kernelTest(`iptables-restore does as the kernel's own: ${name}`, t =>
    withInstallation(({ run, near }) => {
      for (const [options, text] of steps) {
        const theirs = runIn(near, ['iptables-legacy-restore', ...options], { input: text })
        const ours = run('iptables-restore', options, text)
        t.is(ours.code, theirs.code, ours.stderr)
        t.is(ours.stderr.replaceAll('(bpftables)', '(legacy)'), theirs.stderr)
      }
      const theirs = runIn(near, ['iptables-legacy-save', '-c', '-t', 'filter']).stdout
      t.is(withoutDates(run('iptables-save', ['-c', '-t', 'filter']).stdout), withoutDates(theirs))
    }),
  )

kernelTest('stats shows what rules have counted', t =>
  withInstallation(installation => {
    load(installation)
    t.is(answeredEchoes(farToNear(installation.far), 2), 2)
    const { stdout } = installation.run('bpftables', ['stats', '--json', '--chain', 'INPUT'])
    t.deepEqual(JSON.parse(stdout), [
      { family: 4, table: 'filter', chain: 'INPUT', number: 0, rule: ':INPUT DROP', packets: 0, bytes: 0 },
      {
        family: 4,
        table: 'filter',
        chain: 'INPUT',
        number: 1,
        rule: '-A INPUT -p icmp -m comment --comment first -j ACCEPT',
        packets: 2,
        bytes: 2 * ECHO_BYTES,
      },
      {
        family: 4,
        table: 'filter',
        chain: 'INPUT',
        number: 2,
        rule: '-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
        packets: 0,
        bytes: 0,
      },
    ])
    t.regex(
      installation.run('bpftables', ['stats', '--top', '1']).stdout,
      / 2 +56 {2}(-A INPUT -p icmp|:OUTPUT)/,
    )
    t.is(installation.run('bpftables', ['stats', '--top', 'x']).code, 2)
  }),
)

kernelTest('stats --zero shows what was counted, and begins anew', t =>
  withInstallation(installation => {
    load(installation)
    t.is(answeredEchoes(farToNear(installation.far), 2), 2)
    const packets = (...options: readonly string[]): number[] =>
      JSON.parse(installation.run('bpftables', ['stats', '--json', ...options]).stdout).map(
        (hit: { packets: number }) => hit.packets,
      )
    t.deepEqual(packets('--zero', '--chain', 'INPUT'), [0, 2, 0])
    t.is(answeredEchoes(farToNear(installation.far), 1), 1)
    t.deepEqual(packets(), [0, 1, 0, 0, 3])
    t.is(installation.run('bpftables', ['stats', '--zero', '--chain', 'NOWHERE']).code, 1)
  }),
)

kernelTest('status sees a link, a program and a pin that somebody took away', t =>
  withInstallation(installation => {
    const pins = join(installation.bpffs, 'bpftables')
    const removed: readonly [path: string, says: RegExp][] = [
      [join(pins, 'nf-input', 'link-ipv4'), /nf-input on ipv4 is not attached/],
      [join(pins, 'maps', 'counters0'), /the pin .*counters0 is missing/],
    ]
    for (const [path, says] of removed) {
      load(installation)
      t.is(installation.run('bpftables', ['status']).code, 0)
      t.is(runIn(installation.near, ['rm', path]).code, 0)
      t.regex(installation.run('bpftables', ['status']).stdout, says)
      installation.run('bpftables', ['detach', '--force'])
    }
  }),
)

kernelTest('a command waits for the lock as long as it is told', t =>
  withInstallation(installation => {
    load(installation)
    const lock = join(installation.settings.runDirectory, 'lock')
    const locked = (command: string, ...args: readonly string[]) =>
      runIn(installation.near, ['flock', lock, commandPath(command), ...args], {
        environment: installation.environment,
        input: rules,
      })
    const { code, stderr } = locked('iptables-restore', '-w', '0')
    t.is(code, 4)
    t.is(stderr, 'Another app is currently holding the xtables lock. Stopped waiting after 0s.\n')
    t.is(locked('iptables', '-w', '0', '-F').code, 4)
    t.is(locked('bpftables', 'apply', '-w', '0', '-').code, 4)
    t.is(locked('iptables-save').code, 0)
  }),
)

kernelTest('commands work through links under their own names, and below bpftables', t =>
  withInstallation(installation => {
    load(installation)
    const sbin = join(installation.directory, 'sbin')
    mkdirSync(sbin)
    symlinkSync(commandPath('iptables-save'), join(sbin, 'iptables-save'))
    const { near, environment } = installation
    const linked = runIn(near, [join(sbin, 'iptables-save')], { environment })
    t.is(withoutDates(linked.stdout), rules)
    t.is(withoutDates(installation.run('bpftables', ['iptables-save']).stdout), rules)
  }),
)

kernelTest("a file's remarks are kept through edits", t =>
  withInstallation(installation => {
    load(installation, rules.replace('-A INPUT -p tcp', '# the way in\n-A INPUT -p tcp'))
    t.is(installation.run('iptables', ['-A', 'INPUT', '-p', 'udp', '-j', 'ACCEPT']).code, 0)
    const path = join(installation.settings.stateDirectory, 'generations', '2.json')
    const { rulesets } = JSON.parse(readFileSync(path, 'utf8'))
    t.regex(rulesets[0].text, /# the way in\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n/)
  }),
)

kernelTest('a damaged state is said, and detach --force leaves it behind', t =>
  withInstallation(installation => {
    load(installation)
    const path = join(installation.settings.stateDirectory, 'generations', '1.json')
    writeFileSync(path, '{')
    const { code, stderr } = installation.run('bpftables', ['stats'])
    t.is(code, 1)
    t.is(stderr, `bpftables: ${path} is damaged\n`)
    t.is(installation.run('bpftables', ['detach']).code, 1)
    t.is(answeredEchoes(farToNear(installation.far), 1), 1)
    t.is(installation.run('bpftables', ['detach', '--force']).code, 0)
  }),
)

kernelTest('explain names the rule that then counts the packet', t =>
  withInstallation(installation => {
    load(installation)
    const ping = [
      '-p',
      'icmp',
      '--icmp-type',
      'ping',
      '-s',
      '192.0.2.1',
      '-d',
      '192.0.2.2',
      '--ctstate',
      'NEW',
    ]
    const { code, stdout, stderr } = installation.run('bpftables', ['explain', '--json', ...ping])
    t.deepEqual([code, stderr], [0, ''])
    t.deepEqual(JSON.parse(stdout), {
      verdict: 'ACCEPT',
      path: [{ chain: 'INPUT', number: 1, rule: '-A INPUT -p icmp -m comment --comment first -j ACCEPT' }],
    })
    t.is(answeredEchoes(farToNear(installation.far), 1), 1)
    t.true(counted(installation).includes(`[1:${ECHO_BYTES}] -A INPUT -p icmp`))
    t.is(
      installation.run('bpftables', ['explain', '-p', 'udp', '--dport', '53']).stdout,
      'INPUT policy  :INPUT DROP\nDROP\n',
    )
  }),
)

kernelTest('iptables-restore ends with 2 over an option or value that iptables does not take', t =>
  withInstallation(({ run }) => {
    const restore = (rule: string) => run('iptables-restore', [], `*filter\n-A INPUT ${rule}\nCOMMIT\n`)
    for (const rule of ['-p icmp --icmp-type 300', '-m ttl --ttl-eq 256', '-p tcp --dport 1 --dport 2']) {
      const { code, stderr } = restore(rule)
      t.is(code, 2, rule)
      t.regex(stderr, /^\S+:2:\d+: .*\n.*\n *\^/, rule)
    }
    t.is(restore('-g INPUT').code, 1)
  }),
)
