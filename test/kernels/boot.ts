// Boots a kernel in QEMU. There is no KVM in most places that tests run in, so its instructions are translated (TCG).

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { guestProject } from './initramfs.ts'

export interface Machine {
  readonly image: string
  readonly initramfs: string
  /** Seconds after which it is taken to hang. */
  readonly patience: number
}

export const emulator = 'qemu-system-x86_64'

const MEMORY_MEGABYTES = 1024

const argumentsFor = ({ image, initramfs }: Machine, guest: readonly string[]): string[] => [
  ...['-accel', 'tcg', '-cpu', 'qemu64', '-m', `${MEMORY_MEGABYTES}`],
  ...['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio', '-no-reboot'],
  ...['-kernel', image, '-initrd', initramfs, '-append', commandLine(guest)],
]

/** What stands behind `--` goes to the first process, which is node. When it ends the kernel panics, and reboots at once: that ends QEMU. */
const commandLine = (guest: readonly string[]): string =>
  [
    'console=ttyS0 panic=-1 quiet mitigations=off rdinit=/usr/bin/node',
    '--',
    `${guestProject}/dist/test/kernels/guest.js`,
    ...guest,
  ].join(' ')

/** Runs the guest to its end; `read` gets each line it prints. Throws where it takes too long. */
export async function boot(
  machine: Machine,
  guest: readonly string[],
  read: (line: string) => void,
): Promise<void> {
  const child = spawn(emulator, argumentsFor(machine, guest), {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  createInterface({ input: child.stdout }).on('line', read)
  const timer = setTimeout(() => child.kill('SIGKILL'), machine.patience * 1000)
  const signal = await new Promise<NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (_code, name) => resolve(name))
  })
  clearTimeout(timer)
  if (signal !== null) throw new Error(`the guest was not done after ${machine.patience} seconds`)
}
