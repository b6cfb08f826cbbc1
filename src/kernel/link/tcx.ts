import { explainFailure } from '../feature.ts'
import type { ProgramHandle } from '../program.ts'
import { createTcxLink } from '../sys/link.ts'
import type { FileDescriptor } from '../sys/object.ts'
import type { Device } from './device.ts'

/** Attaches to a device's tc hook, behind the programs already there (Linux 6.6 and later). */
export const attachTcx = (
  program: ProgramHandle,
  device: Device,
  direction: 'ingress' | 'egress',
): FileDescriptor => {
  try {
    return createTcxLink(program.fd, device.index, direction, `attach to ${device.name} (tc ${direction})`)
  } catch (error) {
    throw explainFailure(error, { kind: 'link', type: 'TCX' })
  }
}
