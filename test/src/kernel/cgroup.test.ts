import { readFileSync, statSync } from 'node:fs'
import test from 'ava'
import { cgroupId } from '../../../src/kernel/cgroup.ts'
import { KernelError } from '../../../src/kernel/error.ts'

const mounted = / (\S+) cgroup2 /.exec(readFileSync('/proc/mounts', 'utf8'))?.[1]
const withHierarchy = mounted === undefined ? test.skip : test

withHierarchy('the id of a control group is its inode', t => {
  t.is(cgroupId('/'), statSync(mounted ?? '', { bigint: true }).ino)
  t.is(cgroupId(''), cgroupId('/'))
})

withHierarchy('what is no group below the root is refused by its path', t => {
  for (const path of ['no-such-group', 'no/such/group', '..', '../../etc', 'a/../b'])
    t.throws(() => cgroupId(path), {
      instanceOf: KernelError,
      code: 'ERR_CGROUP',
      message: `there is no control group ${path}`,
    })
})
