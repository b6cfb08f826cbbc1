import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { withLock } from '../../../src/service/lock.ts'
import { readSettings } from '../../../src/service/settings.ts'

const directory = mkdtempSync(join(tmpdir(), 'bpftables-lock-'))
const settings = readSettings({ BPFTABLES_RUN_DIR: join(directory, 'run') })
test.after.always(() => rmSync(directory, { recursive: true }))

test.serial('writers take turns', async t => {
  const order: string[] = []
  let release = (): void => {}
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  const first = withLock(settings, 0, async () => {
    await held
    order.push('first')
  })
  const second = withLock(settings, Number.POSITIVE_INFINITY, () => order.push('second'))
  await t.throwsAsync(
    withLock(settings, 0, () => order.push('never')),
    { code: 'ERR_LOCKED' },
  )
  release()
  await Promise.all([first, second])
  t.deepEqual(order, ['first', 'second'])
})

test.serial('the lock is given back when something fails', async t => {
  await t.throwsAsync(
    withLock(settings, 0, () => Promise.reject(new Error('no'))),
    { message: 'no' },
  )
  t.is(await withLock(settings, 0, () => 'free'), 'free')
})

test.serial('a run directory that cannot be is said', async t => {
  const nowhere = readSettings({ BPFTABLES_RUN_DIR: '/dev/null/run' })
  await t.throwsAsync(
    withLock(nowhere, 0, () => {}),
    {
      code: 'ERR_FILE',
      message: 'cannot open the lock /dev/null/run/lock: not a directory',
    },
  )
})
