import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { answerTo, vmlinuxAnswers } from '../../../src/kernel/btf/answers.ts'
import { withKernelTypes } from '../../../src/service/kernel-types.ts'
import type { Settings } from '../../../src/service/settings.ts'

const directory = mkdtempSync(join(tmpdir(), 'bpft-types-'))
const path = join(directory, 'kernel-types.json')
const settings = { runDirectory: directory } as Settings
test.after.always(() => rmSync(directory, { recursive: true }))

const ask = (question: string, value: number): number =>
  answerTo(question, () => ({ value, module: undefined })).value

test.serial('what was asked is kept, with the kernel that answered', async t => {
  await withKernelTypes(settings, () => ask('first', 1))
  const { kernel, answers } = JSON.parse(readFileSync(path, 'utf8'))
  t.regex(kernel, /^[0-9a-f-]{36} \S+ #/)
  t.deepEqual(answers, [['first', 1]])
})

test.serial('what was kept is known, and what is new is added', async t => {
  const kept = JSON.parse(readFileSync(path, 'utf8'))
  writeFileSync(path, JSON.stringify({ ...kept, answers: [['second', 2]] }))
  await withKernelTypes(settings, () => t.is(ask('second', 0), 2))
  await withKernelTypes(settings, () => ask('third', 3))
  t.deepEqual(JSON.parse(readFileSync(path, 'utf8')).answers, [...vmlinuxAnswers])
})

test.serial('what another kernel answered, or was damaged, is not taken', async t => {
  const kept = JSON.parse(readFileSync(path, 'utf8'))
  writeFileSync(path, JSON.stringify({ kernel: `${kept.kernel} other`, answers: [['fourth', 0]] }))
  await withKernelTypes(settings, () => t.is(ask('fourth', 4), 4))
  writeFileSync(path, '{"kernel":')
  await withKernelTypes(settings, () => t.is(ask('fifth', 5), 5))
  t.true(JSON.parse(readFileSync(path, 'utf8')).answers.some(([question]: [string]) => question === 'fifth'))
})

test.serial('where nothing can be kept the command goes on', async t => {
  t.is(
    await withKernelTypes({ ...settings, runDirectory: join(directory, 'none') }, () => ask('sixth', 6)),
    6,
  )
})
