// Every rule set of the collection, loaded by iptables-legacy-restore into a namespace of its own (by iptables-nft-restore where
// legacy refuses it): `bpftables fmt` prints what iptables-save prints then, and refuses what both refuse.

import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { iptablesName, RuleError } from 'iptables-parser'
import { formatRuleFile } from '../../src/cli/fmt.ts'
import { type CollectedFile, collectedFiles } from '../collection.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy', 'iptables-nft', 'ipset')

const lock = join(tmpdir(), `bpft-fmt-${process.pid}.lock`)
test.after.always(() => {
  for (const file of [lock, `${lock}.rules`]) rmSync(file, { force: true })
})

/** The sets a file names, which must be there before its rules. */
const setNames = (text: string): ReadonlySet<string> =>
  new Set([...text.matchAll(/(?<=--(?:match|add|del)-set )\S+/g)].map(([name]) => name))

/** What iptables-save prints after the file is loaded; undefined where it is refused. */
function saved({ text, family }: CollectedFile, counters: boolean): string | undefined {
  const name = iptablesName(family)
  const flag = counters ? '-c' : ''
  const script = [
    'set -e',
    'cat > "$XTABLES_LOCKFILE.rules"',
    ...[...setNames(text)].map(
      set => `ipset create '${set}' hash:ip family ${family === 4 ? 'inet' : 'inet6'}`,
    ),
    'for by in legacy nft',
    `do if ${name}-$by-restore ${flag} < "$XTABLES_LOCKFILE.rules" && exec ${name}-$by-save ${flag}; then :; fi`,
    'done',
    'exit 9',
  ]
  const { status, stdout, stderr, error } = spawnSync('unshare', ['--net', 'bash', '-c', script.join('\n')], {
    input: text,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, XTABLES_LOCKFILE: lock },
  })
  if (error) throw error
  if (status !== 0 && status !== 9) throw new Error(`the script failed with status ${status}: ${stderr}`)
  return status === 0 ? stdout.replace(/^#.*\n/gm, '') : undefined
}

/** Undefined where we refuse it. */
function formatted(file: CollectedFile, counters: boolean): string | undefined {
  try {
    return formatRuleFile(file, undefined, counters)
  } catch (error) {
    if (error instanceof RuleError) return undefined
    throw error
  }
}

/** The kernel prints the table that was used last first, so that their order is that of the file or another. */
const inOrder = (text: string): string[] =>
  text
    .split(/^(?=\*)/m)
    .sort()
    .join('')
    .split('\n')

function fault(file: CollectedFile, counters: boolean): string | undefined {
  const [ours, theirs] = [formatted(file, counters), saved(file, counters)]
  if (ours === undefined || theirs === undefined)
    return ours === theirs
      ? undefined
      : `${file.name}: refused by ${ours === undefined ? 'bpftables alone' : 'iptables alone'}`
  const [mine, wanted] = [inOrder(ours), inOrder(theirs)]
  const at = mine.findIndex((line, index) => line !== wanted[index])
  if (at < 0 && mine.length === wanted.length) return undefined
  return `${file.name}:\n  printed  ${mine[at]}\n  expected ${wanted[at]}`
}

const files = collectedFiles()
if (!files)
  test.skip('fmt prints what iptables-save prints (skipped: no collection of rule sets)', t => t.fail())
else
  for (const counters of [false, true])
    kernelTest(`fmt${counters ? ' --counters' : ''} prints what iptables-save prints`, t => {
      t.true(files.length > 0)
      // with -c every policy must have counters
      const asked = files.filter(({ text }) => !counters || !/^:\S+ [A-Z]+$/m.test(text))
      t.is(
        asked
          .map(file => fault(file, counters))
          .filter(found => found !== undefined)
          .join('\n'),
        '',
      )
    })

const scriptPath = 'fixtures/scripts/gateway.sh'

/** What a shell script leaves in a fresh namespace, where iptables is iptables-legacy. */
function run(path: string): string {
  const script = [
    'iptables() { iptables-legacy "$@"; }; ip6tables() { ip6tables-legacy "$@"; }',
    `. ./${path}`,
    'iptables-legacy-save; ip6tables-legacy-save',
  ]
  const { status, stdout, stderr } = spawnSync('unshare', ['--net', 'bash', '-ec', script.join('\n')], {
    encoding: 'utf8',
    env: { ...process.env, XTABLES_LOCKFILE: lock },
  })
  if (status !== 0) throw new Error(`the script failed with status ${status}: ${stderr}`)
  return stdout.replace(/^#.*\n/gm, '').replace(/\[\d+:\d+\]/g, '[0:0]')
}

kernelTest('fmt prints of iptables commands what the kernel holds after a shell ran them', t => {
  const ours = formatRuleFile({ name: scriptPath, text: readFileSync(scriptPath, 'utf8') }, undefined, false)
  t.deepEqual(inOrder(ours), inOrder(run(scriptPath)))
})
