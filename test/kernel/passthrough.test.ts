// The tables that bpftables leaves to the kernel's own iptables: commands, files and pictures of both sides together.

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { removeEverything } from '../../src/service/remove.ts'
import { answeredEchoes, farToNear } from './echo.ts'
import { commandPath, runIn } from './installation.ts'
import { kernelTestNeeding } from './needs-kernel.ts'
import { kernelPrograms, type Passing, succeed, tablesOf, withPassing } from './passing.ts'

const filter = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
`
const nat = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:WEB - [0:0]
-A PREROUTING -p tcp -m tcp --dport 80 -j WEB
-A POSTROUTING -s 10.0.0.0/8 -o inside -j MASQUERADE
-A WEB -p tcp -j DNAT --to-destination 192.0.2.9:8080
COMMIT
`
const mangle = `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 99 -j DROP
COMMIT
`
const marking = mangle.replace('-j DROP', '-j MARK --set-xmark 0x1/0xffffffff')
const raw = `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 53 -j CT --notrack
COMMIT
`

/** All of both sides, and what is remembered of theirs. */
function everything({ ours, theirs, settings }: Passing): readonly unknown[] {
  const generation: unknown = JSON.parse(ours('bpftables', ['status', '--json']).stdout).generation
  return [
    generation,
    tablesOf(succeed(ours('iptables-save', ['-c'])), 'counters'),
    tablesOf(succeed(theirs('-save', ['-c'])), 'counters'),
    readOrNothing(join(settings.stateDirectory, 'passthrough.json')),
  ]
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** The kernel's own filter table must not even come to be. */
const hasFilter = ({ theirs }: Passing): boolean => tablesOf(succeed(theirs('-save'))).has('filter')

for (const program of kernelPrograms) {
  const kernelTest = kernelTestNeeding(program)

  kernelTest(`${program}: a file goes to both sides, and comes back as one`, t =>
    withPassing(program, passing => {
      const { ours, theirs } = passing
      succeed(ours('iptables-restore', [], nat + mangle + raw + filter))
      t.deepEqual(tablesOf(succeed(ours('iptables-save'))), tablesOf(mangle + raw + filter + nat))
      t.deepEqual([...tablesOf(succeed(theirs('-save'))).keys()].sort(), ['nat', 'raw'])
      t.is(succeed(ours('iptables-save', ['-t', 'nat'])).replace(/^#.*\n/gm, ''), nat)
      t.is(succeed(ours('iptables-save', ['-t', 'mangle'])).replace(/^#.*\n/gm, ''), mangle)
      t.false(hasFilter(passing))
      const { tables } = JSON.parse(ours('bpftables', ['status', '--json']).stdout)
      t.deepEqual(
        tables.map(({ table, runs }: { table: string; runs: string }) => `${table} ${runs}`),
        ['mangle programs', 'filter programs', 'nat iptables', 'raw iptables'],
      )
      t.regex(
        ours('bpftables', ['status']).stdout,
        /IPv4 raw +the kernel's own iptables: -A PREROUTING .*-j CT/,
      )
    }),
  )

  kernelTest(`${program}: commands for nat run there, with its output and exit code`, t =>
    withPassing(program, passing => {
      const { ours, theirs } = passing
      succeed(ours('iptables-restore', [], nat + filter))
      for (const words of [
        ['-S'],
        ['-L', '-n', '-v', '-x', '--line-numbers'],
        ['-C', 'PREROUTING', '-p', 'tcp', '--dport', '80', '-j', 'WEB'],
        ['-C', 'PREROUTING', '-p', 'udp', '-j', 'WEB'],
        ['-D', 'PREROUTING', '9'],
        ['-A', 'PREROUTING', '-j', 'DROP'],
        ['-A', 'PREROUTING', '-m', 'nonsense', '-j', 'ACCEPT'],
        ['-N', 'WEB'],
      ])
        t.deepEqual(
          ours('iptables', ['-t', 'nat', ...words]),
          theirs('', ['-t', 'nat', ...words]),
          `${words}`,
        )
      succeed(ours('iptables', ['--table=nat', '-w', '-I', 'POSTROUTING', '-d', '192.0.2.7', '-j', 'ACCEPT']))
      t.regex(succeed(theirs('-save')), /^-A POSTROUTING -d 192\.0\.2\.7\/32 -j ACCEPT$/m)
      t.is(tablesOf(succeed(ours('iptables-save'))).get('filter'), filter.trimEnd())
      t.false(hasFilter(passing))
    }),
  )

  kernelTest(`${program}: what is refused on either side changes nothing on both`, t =>
    withPassing(program, passing => {
      const { ours } = passing
      succeed(ours('iptables-restore', [], nat + mangle + filter))
      const before = everything(passing)
      const other = filter.replace('22', '23')
      const bad: readonly string[] = [
        `${other}${nat.replace('-j MASQUERADE', '-j NONSENSE')}`,
        `${other}${nat.replace('8080', '80808')}`,
        `${nat.replace('8080', '8081')}${other.replace('-p tcp', '-p nonsense')}`,
        `${nat.replace('8080', '8081')}${other.replace('-j ACCEPT', '-m limit --limit-burst 0 -j ACCEPT')}`,
        // nft finds this out only when it is done
        `${nat.replace('8080', '8081')}${raw.replace('-j CT --notrack', '-j NOWHERE')}${other}`,
      ]
      for (const file of bad) {
        t.not(ours('iptables-restore', [], file).code, 0, file)
        t.deepEqual(withoutEmpty(everything(passing)), withoutEmpty(before), file)
        t.not(ours('bpftables', ['apply', '-'], file).code, 0, file)
        t.deepEqual(withoutEmpty(everything(passing)), withoutEmpty(before), file)
      }
    }),
  )

  kernelTest(`${program}: lines of messages are those of the file`, t =>
    withPassing(program, ({ ours, theirs }) => {
      const file = filter + nat.replace('-A WEB -p tcp -j DNAT', '-A WEB -j NONSENSE')
      const said = (outcome: ReturnType<Passing['ours']>) => [
        outcome.code,
        /line:? \d+/.exec(outcome.stderr)?.[0],
      ]
      t.deepEqual(said(ours('iptables-restore', [], file)), said(theirs('-restore', [], file)))
      t.deepEqual(said(ours('iptables-restore', [], file)), [
        2,
        `line: ${file.split('NONSENSE')[0]?.split('\n').length}`,
      ])
    }),
  )

  kernelTest(`${program}: where one table after another fails, all are as they were`, t =>
    withPassing(program, passing => {
      const { directory, ours, theirs } = passing
      succeed(ours('iptables-restore', [], nat + raw + filter))
      const before = everything(passing)
      const { path } = failing(directory, program)
      const after = nat.replace('8080', '8081') + raw.replace('53', '54') + filter.replace('22', '23')
      const { code, stderr } = ours('iptables-restore', [], after, { BPFTABLES_PASSTHROUGH: path })
      t.is(code, 1)
      t.regex(stderr, /the second table failed/)
      t.regex(readFileSync(join(directory, 'done'), 'utf8'), /8081/, 'the first table was changed')
      t.deepEqual(everything(passing), before)
      t.regex(succeed(theirs('-save')), /8080/)
    }),
  )

  kernelTest(`${program}: -n, -c and -T hold for both sides`, t =>
    withPassing(program, ({ ours }) => {
      const counted = (text: string): string => text.replace('-A', '[7:560] -A').replace(' [0:0]', ' [3:4]')
      succeed(ours('iptables-restore', ['-c'], counted(nat) + counted(filter)))
      const picture = (): ReadonlyMap<string, string> =>
        tablesOf(succeed(ours('iptables-save', ['-c'])), 'counters')
      t.regex(picture().get('nat') ?? '', /^\[7:560\] -A PREROUTING -p tcp/m)
      t.regex(picture().get('nat') ?? '', /^:PREROUTING ACCEPT \[3:4\]$/m)
      t.regex(picture().get('filter') ?? '', /^\[7:560\] -A INPUT -p tcp/m)
      const more = '*nat\n-A OUTPUT -j RETURN\nCOMMIT\n*filter\n-A OUTPUT -j RETURN\nCOMMIT\n'
      succeed(ours('iptables-restore', ['--noflush'], more))
      for (const table of ['nat', 'filter'])
        t.regex(picture().get(table) ?? '', /^\[7:560\] -A \w+ -p tcp[\s\S]*-A OUTPUT -j RETURN$/m)
      succeed(ours('iptables-restore', ['-T', 'nat'], nat + filter.replace('22', '23')))
      t.notRegex(picture().get('nat') ?? '', /RETURN/)
      t.regex(picture().get('filter') ?? '', /--dport 22[\s\S]*RETURN/)
    }),
  )

  kernelTest(`${program}: a mangle table goes where its rules can be held, with its counters`, t =>
    withPassing(program, passing => {
      const { ours, theirs } = passing
      const sides = () => [
        tablesOf(succeed(ours('iptables-save', ['-c', '-t', 'mangle'])), 'counters').get('mangle'),
        tablesOf(succeed(theirs('-save', ['-c'])), 'counters').get('mangle') ?? 'none',
      ]
      const counted = mangle.replace('-A', '[7:560] -A')
      succeed(ours('iptables-restore', ['-c'], counted + filter))
      t.is(sides()[1], 'none')
      succeed(
        ours('iptables', [
          '-t',
          'mangle',
          '-A',
          'OUTPUT',
          '-d',
          '192.0.2.9',
          '-j',
          'MARK',
          '--set-mark',
          '1',
        ]),
      )
      const [picture, there] = sides()
      t.is(picture, there)
      t.regex(there ?? '', /^\[7:560\] -A PREROUTING [\s\S]*-A OUTPUT -d 192\.0\.2\.9\/32 -j MARK/m)
      succeed(ours('iptables', ['-t', 'mangle', '-D', 'PREROUTING', '1']))
      t.notRegex(succeed(theirs('-save')), /-A PREROUTING/)
      succeed(ours('iptables-restore', [], mangle))
      t.notRegex(succeed(theirs('-save')), /^-A/m, 'it is not judged twice')
      t.is(tablesOf(succeed(ours('iptables-save'))).get('mangle'), mangle.trimEnd())
      succeed(ours('iptables-restore', [], marking))
      t.is(tablesOf(succeed(theirs('-save'))).get('mangle'), marking.trimEnd())
      t.is(tablesOf(succeed(ours('iptables-save'))).get('filter'), filter.trimEnd())
      succeed(ours('iptables-restore', ['-n'], '*mangle\n-A INPUT -j DROP\nCOMMIT\n'))
      t.regex(succeed(theirs('-save')), /-A INPUT -j DROP/, 'what is there is added to there')
    }),
  )

  kernelTest(`${program}: both families go to both sides, or neither does`, t =>
    withPassing(program, passing => {
      const { directory, ours } = passing
      const files = ['rules.v4', 'rules.v6'].map(name => join(directory, name))
      const apply = (...texts: readonly string[]): ReturnType<Passing['ours']> => {
        for (const [index, text] of texts.entries()) writeFileSync(files[index] ?? '', text)
        return ours('bpftables', ['apply', ...files])
      }
      const nat6 = nat.replace('10.0.0.0/8', 'fd00::/8').replace('192.0.2.9:8080', '[2001:db8::9]:8080')
      succeed(apply(nat + filter, nat6 + filter))
      const pictures = () => [
        tablesOf(succeed(ours('iptables-save', ['-c'])), 'counters'),
        // over IPv6 a host speaks of itself (MLD), whenever it likes
        tablesOf(succeed(ours('ip6tables-save'))),
      ]
      const before = pictures()
      t.is(tablesOf(succeed(ours('ip6tables-save'))).get('nat'), nat6.trimEnd())
      const { code } = apply(
        nat.replace('8080', '8081') + filter.replace('22', '23'),
        nat6.replace('-j MASQUERADE', '-j NONSENSE') + filter.replace('22', '23'),
      )
      t.is(code, 1)
      t.deepEqual(pictures(), before)
    }),
  )

  kernelTest(`${program}: trying changes nothing`, t =>
    withPassing(program, passing => {
      const { ours } = passing
      succeed(ours('iptables-restore', [], nat + mangle + filter))
      const before = everything(passing)
      const file = nat.replace('8080', '8081') + marking + raw + filter.replace('22', '23')
      succeed(ours('iptables-restore', ['--test'], file))
      t.deepEqual(withoutEmpty(everything(passing)), withoutEmpty(before))
      succeed(ours('bpftables', ['apply', '--dry-run', '-'], file))
      t.deepEqual(withoutEmpty(everything(passing)), withoutEmpty(before))
    }),
  )

  kernelTest(`${program}: after a reboot both sides are restored`, t =>
    withPassing(program, passing => {
      const { near, ours, settings, theirs } = passing
      succeed(ours('bpftables', ['apply', '-'], nat + raw + filter))
      succeed(ours('iptables', ['-t', 'nat', '-A', 'OUTPUT', '-d', '192.0.2.7', '-j', 'ACCEPT']))
      const before = tablesOf(succeed(ours('iptables-save')))
      t.regex(before.get('nat') ?? '', /-A OUTPUT/)
      removeEverything(settings)
      for (const table of ['nat', 'raw'])
        for (const word of ['-F', '-X']) succeed(theirs('', ['-t', table, word]))
      t.notRegex(succeed(ours('iptables-save')), /^-A/m)
      succeed(ours('bpftables', ['apply', '--saved']))
      t.deepEqual(tablesOf(succeed(ours('iptables-save'))), before)
      succeed(ours('bpftables', ['detach']))
      t.regex(succeed(theirs('-save')), /-j DNAT/, 'what the kernel itself runs stays')
      const again = runIn(near, [commandPath('bpftables'), 'apply', '--saved'], passing)
      t.regex(again.stderr, /no rules were in force/)
    }),
  )
}

/** Tables that were looked at there come to be, and hold nothing. */
const withoutEmpty = (state: readonly unknown[]): readonly unknown[] =>
  state.map(part =>
    part instanceof Map ? new Map([...part].filter(([, text]) => /^-A|^\[/m.test(text))) : part,
  )

/** The kernel's own iptables, but the first restore that is no test ends in the middle, with its first table in force. */
function failing(directory: string, program: string): { readonly path: string } {
  const path = join(directory, 'iptables-failing')
  const write = (verb: string, text: string): void =>
    writeFileSync(`${path}${verb}`, `#!/bin/sh\n${text}`, { mode: 0o755 })
  write('', `exec ${program} "$@"\n`)
  write('-save', `exec ${program}-save "$@"\n`)
  write(
    '-restore',
    `case " $* " in *" --test "*) exec ${program}-restore "$@";; esac
[ -e ${directory}/done ] && exec ${program}-restore "$@"
sed '/^COMMIT/q' > ${directory}/done
${program}-restore "$@" < ${directory}/done
echo 'the second table failed' >&2
exit 1
`,
  )
  return { path }
}

const kernelTest = kernelTestNeeding('iptables-legacy', 'iptables-nft')

kernelTest('without a program to pass tables to, that is said, and nothing changes', t =>
  withPassing('iptables-legacy', passing => {
    const { directory, ours } = passing
    succeed(ours('iptables-restore', [], mangle + filter))
    const before = everything(passing)
    const none = { BPFTABLES_PASSTHROUGH: '', PATH: dirname(process.execPath) }
    const missing = { BPFTABLES_PASSTHROUGH: join(directory, 'none') }
    for (const environment of [none, missing])
      for (const [command, args, input] of [
        ['iptables-restore', [], nat + raw + filter],
        ['bpftables', ['apply', '-'], nat + raw + filter],
        ['iptables', ['-t', 'nat', '-S'], ''],
        ['iptables', ['-t', 'mangle', '-A', 'INPUT', '-j', 'MARK', '--set-mark', '1'], ''],
      ] as const) {
        const { code, stderr } = ours(command, args, input, environment)
        t.is(code, 1)
        t.regex(stderr, /BPFTABLES_PASSTHROUGH/)
        if (environment === none && input !== '') t.regex(stderr, /nat of iptables, raw of iptables/)
        t.deepEqual(everything(passing), before)
      }
    // a table that is empty is as good as one that is not there
    succeed(ours('iptables-restore', [], `*nat\nCOMMIT\n${filter}`, none))
  }),
)

kernelTest('our own launchers are never what tables are passed to', t =>
  withPassing('iptables-legacy', ({ directory, ours }) => {
    const linked = join(directory, 'linked')
    mkdirSync(linked)
    for (const name of ['iptables', 'iptables-nft', 'iptables-legacy', 'iptables-save', 'iptables-restore'])
      symlinkSync(commandPath(name.replace(/-(nft|legacy)$/, '')), join(linked, name))
    const { PATH = '' } = process.env
    const path = `${linked}:${PATH}`
    const found = ours('iptables', ['-t', 'nat', '-S'], '', { BPFTABLES_PASSTHROUGH: '', PATH: path })
    t.is(succeed(found).split('\n')[0], '-P PREROUTING ACCEPT')
    const named = ours('iptables', ['-t', 'nat', '-S'], '', {
      BPFTABLES_PASSTHROUGH: join(linked, 'iptables'),
    })
    t.is(named.code, 1)
    t.regex(named.stderr, /is bpftables, and cannot stand in/)
    const wrapped = join(directory, 'iptables-wrapped')
    writeFileSync(wrapped, `#!/bin/sh\nexec ${commandPath('iptables')} "$@"\n`, { mode: 0o755 })
    const around = ours('iptables', ['-t', 'nat', '-S'], '', { BPFTABLES_PASSTHROUGH: wrapped })
    t.is(around.code, 1)
    t.regex(around.stderr, /is bpftables, and cannot stand in/)
  }),
)

kernelTest('the multi-call binaries will do', t =>
  withPassing('iptables-legacy', ({ ours }) => {
    for (const program of ['xtables-legacy-multi', 'xtables-nft-multi']) {
      const environment = { BPFTABLES_PASSTHROUGH: program }
      succeed(ours('iptables-restore', [], nat + filter, environment))
      t.is(tablesOf(succeed(ours('iptables-save', [], '', environment))).get('nat'), nat.trimEnd())
      succeed(ours('ip6tables', ['-t', 'nat', '-A', 'POSTROUTING', '-j', 'MASQUERADE'], '', environment))
      t.regex(succeed(ours('ip6tables-save', [], '', environment)), /-A POSTROUTING -j MASQUERADE/)
    }
  }),
)

kernelTest('xdp leaves INPUT to netfilter where a table drops packets before it', t =>
  withPassing('iptables-legacy', passing => {
    const { far, ours } = passing
    const echo = filter.replace('-p tcp -m tcp --dport 22', '-p icmp')
    const dropping = '-A PREROUTING -p icmp -m icmp --icmp-type 8 -j DROP\nCOMMIT\n'
    const apply = (tables: string): string =>
      succeed(ours('bpftables', ['apply', '--hook', 'xdp', '-'], tables, { BPFTABLES_DEVICES: 'inside' }))
    const counted = (table: string): string =>
      tablesOf(succeed(ours('iptables-save', ['-c'])), 'counters').get(table) ?? ''
    apply(echo)
    t.is(answeredEchoes(farToNear(far), 2), 2)
    t.regex(counted('filter'), /^\[2:56\] -A INPUT -p icmp/m)
    for (const tables of [`*mangle\n${dropping}`, `*raw\n-A OUTPUT -j NOTRACK\n${dropping}`]) {
      apply(tables + echo)
      t.is(answeredEchoes(farToNear(far), 3), 0)
      t.regex(counted('filter'), /^\[2:56\] -A INPUT -p icmp/m, 'INPUT has not seen them')
      t.regex(counted(tables.startsWith('*raw') ? 'raw' : 'mangle'), /^\[3:84\] -A PREROUTING/m)
      succeed(ours('iptables-restore', [], '*raw\nCOMMIT\n*mangle\nCOMMIT\n'))
    }
  }),
)
