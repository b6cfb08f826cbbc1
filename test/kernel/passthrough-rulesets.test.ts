// Rule sets as container engines and service proxies write them, restored through both sides: what is saved is what the kernel's own
// iptables saves of the same file. Tables are compared one by one, since the two kernels' programs have an order each.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { type Family, iptablesName, parseSave, RuleError } from 'iptables-parser'
import { newLayout } from '../../translator/counter.ts'
import { lanesFor } from '../../translator/lane.ts'
import { shareOut } from '../../translator/table.ts'
import { translate } from '../../translator/translate.ts'
import { collectedFiles } from '../collection.ts'
import { kernelTestNeeding } from './needs-kernel.ts'
import { kernelPrograms, type Passing, succeed, tablesOf, withPassing } from './passing.ts'

interface RulesetFile {
  readonly name: string
  readonly family: Family
  readonly text: string
}

const fixture = (name: string): RulesetFile => ({
  name,
  family: 4,
  text: readFileSync(new URL(`../../../fixtures/rulesets/${name}/rules.v4`, import.meta.url), 'utf8'),
})

/** Whose rule sets of the collection are tried. */
const makers = {
  'iptables-legacy': ['docker', 'kube-proxy', 'libvirt', 'tailscale'],
  'iptables-nft': ['docker', 'kube-proxy'],
} as const

const filesFor = (program: keyof typeof makers): readonly RulesetFile[] => [
  fixture('containers'),
  fixture('cluster'),
  ...(collectedFiles() ?? []).filter(
    ({ name, text }) =>
      makers[program].some(maker => name.startsWith(`real/${maker}/`)) && /^\*nat$/m.test(text),
  ),
]

interface Sides {
  readonly own: readonly string[]
  readonly left: readonly string[]
}

/** What goes where; only what is left where our part does not translate. Undefined where iptables itself takes no such file. */
function sidesOf({ text, family }: RulesetFile): Sides | undefined {
  try {
    const { own, left } = shareOut(parseSave(text, { family }))
    const { kind } = translate([own], { lanes: lanesFor('netfilter', [own]), counters: newLayout([own]) })
    return {
      own: kind === 'refused' ? [] : own.tables.map(({ name }) => name),
      left: left.map(({ table }) => table.name),
    }
  } catch (error) {
    if (error instanceof RuleError) return undefined
    throw error
  }
}

/** The tables that a program saves after restoring a file, in a namespace of its own. */
function oracle(program: string, { text, family }: RulesetFile): ReadonlyMap<string, string> {
  const name = program.replace('iptables', iptablesName(family))
  const script = `export XTABLES_LOCKFILE=/dev/null; ${name}-restore && ${name}-save`
  const { stdout, status, stderr } = spawnSync('unshare', ['--net', 'sh', '-c', script], {
    input: text,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  return tablesOf(stdout)
}

function compare(t: ExecutionContext, program: string, file: RulesetFile, { ours }: Passing): void {
  const { name, family, text } = file
  const sides = sidesOf(file)
  if (!sides) return
  const command = (verb: string): string => `${iptablesName(family)}-${verb}`
  for (const words of sides.own.length > 0 ? [[]] : sides.left.map(table => ['-T', table]))
    succeed(ours(command('restore'), words, text))
  const saved = tablesOf(succeed(ours(command('save'))))
  const [legacy, theirs] = [oracle('iptables-legacy', file), oracle(program, file)]
  for (const table of sides.own) t.is(saved.get(table), legacy.get(table), `${name} ${table}`)
  for (const table of sides.left) t.is(saved.get(table), theirs.get(table), `${name} ${table}`)
}

for (const program of kernelPrograms)
  kernelTestNeeding('iptables-legacy', program)(
    `${program}: rule sets with nat tables are saved as they were restored`,
    async t => {
      t.timeout(10 * 60_000)
      const files = filesFor(program)
      for (const file of files) await withPassing(program, passing => compare(t, program, file, passing))
      t.log(
        `${files.length} files, ${files.filter(file => (sidesOf(file)?.own.length ?? 0) > 0).length} of them whole`,
      )
    },
  )
