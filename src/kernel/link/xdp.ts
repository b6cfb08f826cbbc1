import { KernelError } from '../error.ts'
import { explainFailure } from '../feature.ts'
import type { ProgramHandle } from '../program.ts'
import { failedWith } from '../sys/error.ts'
import { createDeviceLink, createDeviceLinkLater, type DevicePlace, xdpFlag } from '../sys/link.ts'
import type { FileDescriptor } from '../sys/object.ts'
import type { Device } from './device.ts'

export interface XdpLink {
  readonly fd: FileDescriptor
  readonly mode: 'native' | 'generic'
  /** Why the driver could not run the program itself; only in generic mode. */
  readonly reason: string | undefined
}

const place = ({ index }: Device, mode: XdpLink['mode']): DevicePlace => ({
  kind: 'xdp',
  ifindex: index,
  flags: xdpFlag[mode],
})

const create = (program: ProgramHandle, device: Device, mode: XdpLink['mode']): FileDescriptor =>
  createDeviceLink(program.fd, place(device, mode), `attach to ${device.name} (xdp, ${mode})`)

/** Failures that generic mode would meet as well. */
const isFinal = (error: unknown): boolean => failedWith(error, 'EBUSY', 'EEXIST', 'EPERM', 'ENODEV')

const explain = (error: unknown, device: Device): unknown => {
  if (failedWith(error, 'EBUSY', 'EEXIST')) {
    const hint = `\`ip link show ${device.name}\` and \`bpftool net\` show what is attached.`
    return new KernelError('ERR_ATTACH', `${device.name} already has an XDP program`, hint, error)
  }
  return explainFailure(error, { kind: 'link', type: 'XDP' })
}

const attachGeneric = (program: ProgramHandle, device: Device, reason: string): XdpLink => {
  try {
    return { fd: create(program, device, 'generic'), mode: 'generic', reason }
  } catch (error) {
    throw explain(error, device)
  }
}

/** Attaches to a device: in its driver, or where that cannot and it need not be there, in the stack behind it. */
export const attachXdp = (program: ProgramHandle, device: Device, native = false): XdpLink => {
  try {
    return { fd: create(program, device, 'native'), mode: 'native', reason: undefined }
  } catch (error) {
    if (native || !(error instanceof Error) || isFinal(error)) throw explain(error, device)
    return attachGeneric(program, device, error.message)
  }
}

/** Attaches to a device in its driver, in a thread of its own; undefined where it failed, whatever the reason. */
export const attachXdpLater = (program: ProgramHandle, device: Device): Promise<FileDescriptor | undefined> =>
  createDeviceLinkLater(program.fd, place(device, 'native'))
