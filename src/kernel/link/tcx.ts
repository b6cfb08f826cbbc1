import { explainFailure } from '../feature.ts'
import type { ProgramHandle } from '../program.ts'
import { createDeviceLink, createDeviceLinkLater, type DevicePlace } from '../sys/link.ts'
import type { FileDescriptor } from '../sys/object.ts'
import type { Device } from './device.ts'

type Direction = 'ingress' | 'egress'

const place = ({ index }: Device, direction: Direction): DevicePlace => ({
  kind: 'tcx',
  ifindex: index,
  direction,
})

/** Attaches to a device's tc hook, behind the programs already there (Linux 6.6 and later). */
export const attachTcx = (program: ProgramHandle, device: Device, direction: Direction): FileDescriptor => {
  try {
    return createDeviceLink(
      program.fd,
      place(device, direction),
      `attach to ${device.name} (tc ${direction})`,
    )
  } catch (error) {
    throw explainFailure(error, { kind: 'link', type: 'TCX' })
  }
}

/** The same in a thread of its own; undefined where it failed, whatever the reason. */
export const attachTcxLater = (
  program: ProgramHandle,
  device: Device,
  direction: Direction,
): Promise<FileDescriptor | undefined> => createDeviceLinkLater(program.fd, place(device, direction))
