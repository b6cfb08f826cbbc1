// What -L shows of our tables of rules, and of iptables' own, against iptables-legacy. UPDATE_GOLDENS=1 writes what it shows to fixtures/list.

import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { iptablesName } from 'iptables-parser'
import { type CaseFile, fixtureFiles, hasExtension, upstreamFiles } from '../rules/extension-cases.ts'
import { notInEveryKernel } from '../rules/known-differences.ts'
import {
  goldenPath,
  goldenText,
  type ListBatch,
  listBatch,
  listBatches,
  listForms,
} from '../rules/list-cases.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const { UPDATE_GOLDENS: update } = process.env
const namespace = `bpft-list-${process.pid}`
const lock = join(tmpdir(), `${namespace}.lock`)
const SEPARATOR = '\f'

function inside(script: string): string {
  const env = { ...process.env, XTABLES_LOCKFILE: lock }
  const args = [`--net=/run/netns/${namespace}`, '--', 'unshare', '--mount', 'sh', '-c', script]
  const { status, stdout, stderr, error } = spawnSync('nsenter', args, { encoding: 'utf8', env })
  if (error) throw error
  if (status !== 0) throw new Error(stderr)
  return stdout
}

/** Names that are the machine's own, of hosts and users, are nothing we look up. */
const WITHOUT_NAMES = [
  'mount --bind /dev/null /etc/hosts',
  'printf "root:x:0:0::/:/bin/sh\\n" > /tmp/$$.names',
  'mount --bind /tmp/$$.names /etc/passwd',
  'mount --bind /tmp/$$.names /etc/group',
  'rm /tmp/$$.names',
].join(' && ')

/** What iptables-legacy shows of each batch, form by form. */
function askAll(batches: readonly ListBatch[]): readonly (readonly string[])[] {
  const script = batches.map(({ family, table, chain, text }) => {
    const legacy = `${iptablesName(family)}-legacy`
    const lists = listForms.map(([form]) => `${legacy} -t ${table} -L ${chain} ${form}; printf '\\f'`)
    return [
      `${legacy}-restore <<'END-OF-RULES'\n${text}END-OF-RULES`,
      ...lists,
      `printf '*${table}\\nCOMMIT\\n' | ${legacy}-restore`,
    ].join('\n')
  })
  const answers = inside(['set -e', WITHOUT_NAMES, ...script].join('\n')).split(SEPARATOR)
  return batches.map((_, index) => answers.slice(index * listForms.length, (index + 1) * listForms.length))
}

test.before(() => {
  spawnSync('ip', ['netns', 'add', namespace])
})

test.after.always(() => {
  spawnSync('ip', ['netns', 'delete', namespace])
  rmSync(lock, { force: true })
})

function tryFile(file: CaseFile): void {
  const batches = listBatches(file)
  // a table of nothing but mistakes
  if (batches.length === 0) return
  kernelTest(file.name, t => {
    // not every machine has all of them; a rule that needs what is missing fails below
    for (const program of file.programs) inside(`${program} || true`)
    const answers = askAll(batches)
    if (update === '1' && file.name.includes('/'))
      writeFileSync(
        goldenPath(file.name),
        goldenText(
          file,
          (batch, form) => answers[batches.findIndex(one => one.text === batch.text)]?.[form] ?? '',
        ),
      )
    for (const [index, batch] of batches.entries())
      for (const [form, [, options]] of listForms.entries())
        t.is(listBatch(batch, options), answers[index]?.[form] ?? '', `IPv${batch.family}`)
  })
}

for (const file of fixtureFiles()) if (!Object.hasOwn(notInEveryKernel, file.name)) tryFile(file)

/** Extensions whose rules the kernel may refuse, or, as rateest, only takes behind rules that the tables make by programs. */
const refused = [...Object.keys(notInEveryKernel).map(name => /(\w+)[.\d]*\.t$/.exec(name)?.[1]), 'rateest']

for (const file of upstreamFiles() ?? [])
  if (file.extension !== undefined && hasExtension(file.extension) && !refused.includes(file.extension))
    tryFile(file)
