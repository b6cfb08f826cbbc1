import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensurePinDirectory } from '../../src/kernel/bpffs.ts'
import { isBpffs } from '../../src/kernel/sys/mount.ts'
import { kernelTest } from './needs-kernel.ts'
import { withScratch } from './scratch.ts'

const script = fileURLToPath(new URL('./pin-directory.js', import.meta.url))

const { BPFTABLES_BPFFS: _, ...env } = process.env

const output = (command: string, ...options: readonly string[]): string =>
  execFileSync(command, options, { encoding: 'utf8', env }).trim()

kernelTest('pin directories are made on a bpffs, as deep as asked', t =>
  withScratch(({ bpffs }) => {
    const directory = join(bpffs, 'a', 'b')
    t.is(ensurePinDirectory(directory), directory)
    t.is(ensurePinDirectory(directory), directory)
    t.true(isBpffs(directory))
  }),
)

kernelTest('a directory that is not on a bpffs is refused and nothing is mounted over it', t => {
  const directory = mkdtempSync(join(tmpdir(), 'bpft-plain-'))
  const error = t.throws(() => ensurePinDirectory(join(directory, 'pins')), { code: 'ERR_BPFFS' })
  t.is(error?.message, `${directory}/pins is not on a bpffs`)
  t.false(isBpffs(directory))
  rmdirSync(directory)
})

kernelTest('inside `ip netns exec` nothing is mounted that would die with the command', t =>
  withScratch(({ near }) => {
    t.regex(
      output('ip', 'netns', 'exec', near, process.execPath, script),
      /^ERR_BPFFS no bpffs .* die with this/,
    )
  }),
)

kernelTest('bpffs is mounted in its usual place where that is missing', t => {
  // A PID namespace of its own makes the process PID 1, so that its private mounts look like the machine's.
  const shell = `umount /sys/fs/bpf 2>/dev/null; ${process.execPath} ${script}`
  const isolated = ['--fork', '--pid', '--mount', '--mount-proc', 'sh', '-c', shell]
  t.is(output('unshare', ...isolated), '/sys/fs/bpf/bpftables true')
})
