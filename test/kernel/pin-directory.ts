// Run as a process of its own by sys-bpffs.test.ts, in mount namespaces of its making.

import { ensurePinDirectory } from '../../src/kernel/bpffs.ts'
import { KernelError } from '../../src/kernel/error.ts'
import { isBpffs } from '../../src/kernel/sys/mount.ts'

const outcome = (): string => {
  try {
    const directory = ensurePinDirectory()
    return `${directory} ${isBpffs(directory)}`
  } catch (error) {
    return error instanceof KernelError ? `${error.code} ${error.message}` : String(error)
  }
}

console.log(outcome())
