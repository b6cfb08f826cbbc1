import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import { tryLock, unlock } from '../../../src/kernel/sys/lock.ts'

test('a lock is held by one open file at a time, until it is given back or closed', t => {
  const directory = mkdtempSync(join(tmpdir(), 'bpft-lock-'))
  const open = () => openSync(join(directory, 'lock'), 'w')
  const [one, two, three] = [open(), open(), open()] as const
  t.true(tryLock(one))
  t.false(tryLock(two))
  unlock(one)
  t.true(tryLock(two))
  closeSync(two)
  t.true(tryLock(three))
  closeSync(one)
  closeSync(three)
  rmSync(directory, { recursive: true })
})
