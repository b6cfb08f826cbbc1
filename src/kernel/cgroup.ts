// Control groups of version 2 by their paths.

import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { KernelError } from './error.ts'

/** Where the hierarchy of version 2 is mounted: device, root and mount point, then options, a dash and the type of file system. */
const mountPoint = (): string | undefined =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .find(line => / - cgroup2 /.test(line))
    ?.split(' ')[4]

/** The id of a group, which is its inode's number. Throws KernelError('ERR_CGROUP') where there is none. */
export function cgroupId(path: string): bigint {
  const root = mountPoint()
  if (root === undefined)
    throw new KernelError(
      'ERR_CGROUP',
      'cgroup v2 is not mounted',
      'Mount it: mount -t cgroup2 none /sys/fs/cgroup',
    )
  try {
    if (/(^|\/)\.\.?(\/|$)/.test(path)) throw new RangeError(`${path} does not lead down`)
    return statSync(join(root, path), { bigint: true }).ino
  } catch (cause) {
    throw new KernelError(
      'ERR_CGROUP',
      `there is no control group ${path}`,
      'Rules mean the groups that are there when they are loaded; make it first.',
      cause,
    )
  }
}
