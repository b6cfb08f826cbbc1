// Our tables of rules against iptables-legacy itself: it must accept, refuse and print as they say.

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { iptablesName } from 'iptables-parser'
import {
  type CaseFile,
  type ExtensionCase,
  expectedLines,
  fixtureFiles,
  ruleFile,
  ruleLines,
} from '../rules/extension-cases.ts'
import { differentFromLegacy, notInEveryKernel } from '../rules/known-differences.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const namespace = `bpft-ext-${process.pid}`
const lock = join(tmpdir(), `${namespace}.lock`)

interface Outcome {
  readonly failed: boolean
  readonly stdout: string
  readonly stderr: string
}

function run(command: string, args: readonly string[], input = ''): Outcome {
  const env = { ...process.env, XTABLES_LOCKFILE: lock }
  const { status, stdout, stderr, error } = spawnSync(command, args, { input, encoding: 'utf8', env })
  if (error) throw error
  return { failed: status !== 0, stdout, stderr }
}

const inside = (args: readonly string[], input?: string): Outcome =>
  run('nsenter', [`--net=/run/netns/${namespace}`, '--', ...args], input)

/** What iptables-legacy makes of a case: the lines it prints, or its words of refusal. */
function ask(one: ExtensionCase): readonly string[] | string {
  const name = `${iptablesName(one.family)}-legacy`
  const { failed, stderr } = inside([`${name}-restore`], ruleFile(one))
  if (failed) return stderr.trim()
  const saved = ruleLines(inside([`${name}-save`, '-t', one.table]).stdout)
  inside([`${name}-restore`], `*${one.table}\nCOMMIT\n`)
  return saved
}

/** Undefined where iptables-legacy does as the case says, or as is known of it. */
function fault(file: CaseFile, one: ExtensionCase): string | undefined {
  const answer = ask(one)
  const known = differentFromLegacy.filter(({ file: name, rule }) => name === file.name && rule === one.rule)
  const expected = [one.printed, ...known.map(({ instead }) => instead)]
  const agrees = expected.some(printed =>
    printed === undefined
      ? typeof answer === 'string'
      : typeof answer !== 'string' && answer.join() === expectedLines(one, printed).join(),
  )
  if (agrees) return undefined
  const said = typeof answer === 'string' ? `refused: ${answer}` : `printed  ${answer.join('\n')}`
  return `${one.place} (IPv${one.family}, ${one.chain}): ${one.rule}\n  ${said}\n  expected ${one.printed ?? 'a refusal'}`
}

test.before(() => {
  run('ip', ['netns', 'add', namespace])
})

test.after.always(() => {
  run('ip', ['netns', 'delete', namespace])
  rmSync(lock, { force: true })
})

for (const file of fixtureFiles().filter(({ name }) => !Object.hasOwn(notInEveryKernel, name)))
  kernelTest(file.name, t => {
    for (const program of file.programs) inside(['sh', '-c', program])
    t.deepEqual(
      file.cases.map(one => fault(file, one)).filter(found => found !== undefined),
      [],
    )
  })
