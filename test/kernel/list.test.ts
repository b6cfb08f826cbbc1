// What -L shows of our tables of rules, and of iptables' own, against iptables-legacy. UPDATE_GOLDENS=1 writes what it shows to fixtures/list.

import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { iptablesName } from 'iptables-parser'
import { type CaseFile, fixtureFiles, hasExtension, upstreamFiles } from '../rules/extension-cases.ts'
import { notInEveryKernel } from '../rules/known-differences.ts'
import { goldenPath, goldenText, type ListBatch, listBatch, listBatches, listForms } from '../rules/list-cases.ts'
import { kernelTest } from './needs-kernel.ts'

const { UPDATE_GOLDENS: update } = process.env
const namespace = `bpft-list-${process.pid}`
const lock = join(tmpdir(), `${namespace}.lock`)
const SEPARATOR = '\f'

function inside(script: string, input = ''): { readonly stdout: string; readonly stderr: string } {
  const env = { ...process.env, XTABLES_LOCKFILE: lock }
  const args = [`--net=/run/netns/${namespace}`, '--', 'unshare', '--mount', 'sh', '-c', script]
  const { stdout, stderr, error } = spawnSync('nsenter', args, { input, encoding: 'utf8', env })
  if (error) throw error
  return { stdout, stderr }
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
  const { stdout, stderr } = inside([WITHOUT_NAMES, ...script].join('\n'))
  const answers = stdout.split(SEPARATOR)
  if (stderr !== '') throw new Error(stderr)
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
  kernelTest(file.name, t => {
    for (const program of file.programs) inside(program)
    const batches = listBatches(file)
    const answers = askAll(batches)
    if (update === '1' && file.name.includes('/'))
      writeFileSync(
        goldenPath(file.name),
        goldenText(file, (batch, form) => answers[batches.findIndex(one => one.text === batch.text)]?.[form] ?? ''),
      )
    for (const [index, batch] of batches.entries())
      for (const [form, [, options]] of listForms.entries())
        t.is(listBatch(batch, options), answers[index]?.[form], `IPv${batch.family}`)
    t.pass()
  })
}

for (const file of fixtureFiles()) if (!Object.hasOwn(notInEveryKernel, file.name)) tryFile(file)
for (const file of upstreamFiles() ?? [])
  if (file.extension !== undefined && hasExtension(file.extension)) tryFile(file)
