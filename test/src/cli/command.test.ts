// The command line of bpftables, as far as it needs no kernel.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'

const directory = mkdtempSync(join(tmpdir(), 'bpftables-cli-'))
test.after.always(() => rmSync(directory, { recursive: true }))

const bpftables = (args: readonly string[], input = '') =>
  spawnSync(process.execPath, ['bin/bpftables', ...args], { input, encoding: 'utf8' })

const rules = '*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\n[1:2] -A INPUT -p udp -j DROP\nCOMMIT\n'
const file = join(directory, 'rules')
writeFileSync(file, rules)

test('fmt prints the canonical form', t => {
  const { status, stdout } = bpftables(['fmt', '--counters', '-'], rules)
  t.is(status, 0)
  t.is(
    stdout,
    [
      '*filter',
      ':INPUT ACCEPT [0:0]',
      ':FORWARD ACCEPT [0:0]',
      ':OUTPUT ACCEPT [0:0]',
      '[0:0] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT',
      '[1:2] -A INPUT -p udp -j DROP',
      'COMMIT\n',
    ].join('\n'),
  )
  t.is(bpftables(['fmt', '--counters', '-'], stdout).stdout, stdout)
})

const formats: Readonly<Record<string, RegExp>> = {
  listing: /^; nf_input_ipv4: netfilter at nf-input/,
  json: /^\{\n "rules"/,
  dot: /^digraph /,
  report: /^nf-input-ipv4: \d+ instructions/,
}

for (const [format, begins] of Object.entries(formats))
  test(`convert writes a ${format}`, t => {
    const { status, stdout } = bpftables(['convert', '--format', format, file])
    t.is(status, 0)
    t.regex(stdout, begins)
  })

test('convert writes an object', t => {
  const path = join(directory, 'rules.o')
  t.is(bpftables(['convert', file, '-o', path]).status, 0)
  t.deepEqual([...readFileSync(path).subarray(0, 4)], [0x7f, ...Buffer.from('ELF')])
})

test('convert says what does not translate', t => {
  const bad = '*filter\n-A INPUT -p tcp -m limit --limit 5/min -j ACCEPT\nCOMMIT\n'
  const converted = bpftables(['convert', '-', '-o', join(directory, 'none')], bad)
  t.is(converted.status, 1)
  t.regex(
    converted.stderr,
    /^-:2:\d+: cannot translate .*\n.*\n +\^~+\nhint: .*\none rule does not translate/,
  )
  t.is(bpftables(['convert', '--format', 'report', '-'], bad).status, 1)
})

const misused: Readonly<Record<string, RegExp>> = {
  '': /which command\?/,
  frobnicate: /frobnicate/,
  'apply --hook sideways rules': /sideways/,
  'apply --saved rules': /--saved takes no files/,
  'apply -w soon rules': /"soon" is not a number of seconds to wait/,
  apply: /which files\?/,
  'fmt --nonsense rules': /nonsense/,
  fmt: /which files/,
  'convert --format pdf rules': /pdf/,
  'stats --top 0': /--top 0 is not a number of rules/,
  'stats --table nonsense': /nonsense/,
  'stats --since tomorrow': /"tomorrow" is not a time/,
  'stats --since 2999-01-01': /2999-01-01 is yet to come/,
  'stats --unused 5': /"5" is not a duration/,
  'stats --since 1h --unused 1h': /--since does not go with --unused/,
  'stats --watch --json': /--watch does not go with --json/,
}

for (const [line, says] of Object.entries(misused))
  test(`"bpftables ${line}" is misused`, t => {
    const { status, stdout, stderr } = bpftables(line === '' ? [] : line.split(' '))
    t.is(status, 2, stderr)
    t.is(stdout, '')
    t.regex(stderr, says)
    t.notRegex(stderr, /internal error/)
  })

for (const command of ['apply', 'convert', 'detach', 'fmt', 'stats', 'status'])
  test(`"bpftables ${command} --help" shows examples`, t => {
    const { status, stdout } = bpftables([command, '--help'])
    t.is(status, 0)
    t.regex(stdout, /\nExamples:\n {2}/)
  })

test('a file that is not there is said', t => {
  const { status, stderr } = bpftables(['fmt', '/nowhere/rules'])
  t.is(status, 1)
  t.is(stderr, 'bpftables: cannot read /nowhere/rules: no such file or directory\n')
})

/** So many rules that a command ends itself before V8 is done with what it does beside. */
const many = join(directory, 'many')
writeFileSync(many, `*filter\n${'-A INPUT -p tcp\n'.repeat(20000)}COMMIT\n`)

/** Runs a line of shell with "$0" as the path of Node.js. */
const shell = (line: string) => spawnSync('sh', ['-c', line, process.execPath], { encoding: 'utf8' })

test('a closed pipe is no error', t => {
  const { status, stdout, stderr } = shell(`{ "$0" bin/bpftables fmt ${many}; echo $? >&2; } | head -1`)
  t.is(status, 0)
  t.is(stdout, '*filter\n')
  t.is(stderr, '0\n')
})

test('a pipe that is read late gets all', t => {
  const { stdout, stderr } = shell(`{ "$0" bin/bpftables fmt ${many}; echo $? >&2; } | { sleep 1; tail -2; }`)
  t.is(stdout, '-A INPUT -p tcp\nCOMMIT\n')
  t.is(stderr, '0\n')
})

test('a full disk is an error', t => {
  const { status, stderr } = shell(`"$0" bin/bpftables fmt ${many} > /dev/full`)
  t.is(status, 1)
  t.regex(stderr, /no space left on device/)
})
