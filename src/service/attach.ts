// Links: what runs the dispatchers. They are made once; after that rules change behind them.

import { mkdirSync } from 'node:fs'
import { dispatcher } from '../../translator/hook/dispatcher.ts'
import { ownPriority } from '../../translator/hook/others.ts'
import { attachNetfilter } from '../kernel/link/netfilter.ts'
import { attachTcx, attachTcxLater } from '../kernel/link/tcx.ts'
import { attachXdp, attachXdpLater } from '../kernel/link/xdp.ts'
import { detachLink, type LinkInfo, linkInfo } from '../kernel/link.ts'
import { openPin, pin, unpin } from '../kernel/pin.ts'
import { loadProgram, type ProgramHandle } from '../kernel/program.ts'
import { interfaceIndex } from '../kernel/sys/interface.ts'
import { allThreadsInNamespace } from '../kernel/sys/namespace.ts'
import { close, type FileDescriptor, pinObject, programInfoOf } from '../kernel/sys/object.ts'
import { type Keep, withDescriptors } from './descriptors.ts'
import { ServiceError } from './error.ts'
import { type Attachment, attachmentAt, type LaneHook, placeOf } from './lanes.ts'
import { mapsOf, type SharedMaps } from './maps.ts'
import { dispatcherPin, hookDirectory, hooks, linkPin, linkPlaces, removePins } from './pins.ts'
import type { Settings } from './settings.ts'

/** All links that are pinned, whether they still lead anywhere or not. */
export const pinnedAttachments = (settings: Settings): Attachment[] =>
  hooks.flatMap(hook => linkPlaces(settings, hook).map(place => attachmentAt(hook, place)))

const pinOf = (settings: Settings, attachment: Attachment): string =>
  linkPin(settings, attachment.hook, placeOf(attachment))

/** What the kernel says a pinned link is; undefined where there is no such pin. */
export function readLink(settings: Settings, attachment: Attachment): LinkInfo | undefined {
  const fd = openPin(pinOf(settings, attachment))
  if (fd === undefined) return undefined
  try {
    return linkInfo(fd)
  } finally {
    close(fd)
  }
}

/** Whether a link still leads to where it was made for: a device may have gone, and another have come by its name. */
export function leadsTo(info: LinkInfo, attachment: Attachment): boolean {
  if (attachment.kind === 'netfilter') return info.kind === 'netfilter'
  return (info.kind === 'xdp' || info.kind === 'tcx') && info.ifindex === interfaceIndex(attachment.device)
}

/** The dispatcher of a hook: the one pinned, or a new one, then pinned. */
export function openDispatcher(
  settings: Settings,
  hook: LaneHook,
  shared: SharedMaps,
  keep: Keep,
): ProgramHandle {
  const path = dispatcherPin(settings, hook)
  const fd = openPin(path)
  if (fd !== undefined)
    return keep({
      fd,
      // one that is there already is not assembled again
      get spec() {
        return dispatcher(hook)
      },
    })
  const spec = dispatcher(hook)
  const program = keep(loadProgram(spec, mapsOf(spec, shared, new Map(), keep)))
  mkdirSync(hookDirectory(settings, hook), { recursive: true })
  pin(program.fd, path)
  return program
}

/** Makes sure that a dispatcher is attached: keeps the link that is, replaces one that leads nowhere. */
export function attach(
  settings: Settings,
  attachment: Attachment,
  program: ProgramHandle,
  ahead?: FileDescriptor,
): void {
  const known = readLink(settings, attachment)
  if (known && leadsTo(known, attachment) && known.programId === programInfoOf(program.fd).id) return
  if (known) detach(settings, attachment)
  const path = pinOf(settings, attachment)
  if (ahead !== undefined) pinObject(ahead, path)
  else withDescriptors(keep => pinObject(keep(createLink(attachment, program)), path))
}

/** Links made before they are pinned, which are gone if they never are. */
export type LinksAhead = ReadonlyMap<Attachment, FileDescriptor>

/**
 * Attaches dispatchers that pass on all packets yet to devices, in threads of their own: the kernel waits for what other processors do, 10 to 20 ms. What cannot be
 * attached so is left out.
 */
export async function attachAhead(
  wanted: readonly Attachment[],
  dispatchers: ReadonlyMap<LaneHook, ProgramHandle>,
  keep: Keep,
): Promise<LinksAhead> {
  const links = new Map<Attachment, FileDescriptor>()
  const onDevices = wanted.filter(({ kind }) => kind !== 'netfilter')
  if (onDevices.length === 0 || !allThreadsInNamespace('net')) return links
  const attachOne = async (attachment: Attachment): Promise<void> => {
    const fd = await createLinkLater(attachment, dispatcherOf(dispatchers, attachment))
    if (fd !== undefined) links.set(attachment, keep(fd))
  }
  await Promise.all(onDevices.map(attachOne))
  return links
}

async function createLinkLater(
  attachment: Attachment,
  program: ProgramHandle,
): Promise<FileDescriptor | undefined> {
  if (attachment.kind === 'netfilter') return undefined
  const { device: name } = attachment
  const index = interfaceIndex(name)
  if (index === undefined) return undefined
  const device = { name, index }
  return attachment.kind === 'xdp'
    ? attachXdpLater(program, device)
    : attachTcxLater(program, device, 'ingress')
}

function createLink(attachment: Attachment, program: ProgramHandle): FileDescriptor {
  if (attachment.kind === 'netfilter') return attachNetfilter(program, attachment.family, attachment.hook).fd
  const { device: name } = attachment
  const index = interfaceIndex(name)
  if (index === undefined) throw new ServiceError('ERR_DEVICE', `there is no device ${name}`)
  const device = { name, index }
  if (attachment.kind === 'xdp') return attachXdp(program, device, attachment.native).fd
  return attachTcx(program, device, 'ingress')
}

/** Programs at xdp and tc take the BPF program at these priorities for ours. */
const firstPriority: Readonly<Partial<Record<LaneHook, number>>> = {
  'nf-input': ownPriority.filter,
  'nf-raw-prerouting': ownPriority.raw,
}

/** Throws ServiceError('ERR_DEVICE') where one of others has such a priority. */
function requireFirst(settings: Settings, wanted: readonly Attachment[]): void {
  if (wanted.every(({ kind }) => kind === 'netfilter')) return
  for (const attachment of wanted) {
    const first = firstPriority[attachment.hook]
    if (first === undefined) continue
    const link = readLink(settings, attachment)
    if (link?.kind === 'netfilter' && link.priority !== first)
      throw new ServiceError(
        'ERR_DEVICE',
        `another BPF program comes before ours at ${attachment.hook} (${placeOf(attachment)})`,
        'Use --hook netfilter, or take the other one off: `bpftool link` lists them.',
      )
  }
}

/** Takes a dispatcher off its hook and forgets the link. */
export function detach(settings: Settings, attachment: Attachment): void {
  const path = pinOf(settings, attachment)
  const fd = openPin(path)
  if (fd === undefined) return
  try {
    detachLink(fd)
  } finally {
    close(fd)
  }
  unpin(path)
}

/** Whether an attachment is one of these. */
export const isAmong = (attachment: Attachment, list: readonly Attachment[]): boolean =>
  list.some(other => other.hook === attachment.hook && placeOf(other) === placeOf(attachment))

/**
 * Attaches all that is wanted and then takes off all that is not. Where one cannot be attached, those attached just now are
 * taken off again.
 */
export function switchAttachments(
  settings: Settings,
  wanted: readonly Attachment[],
  dispatchers: ReadonlyMap<LaneHook, ProgramHandle>,
  ahead: LinksAhead = new Map(),
): void {
  const before = pinnedAttachments(settings)
  try {
    for (const attachment of wanted)
      attach(settings, attachment, dispatcherOf(dispatchers, attachment), ahead.get(attachment))
    requireFirst(settings, wanted)
  } catch (error) {
    for (const attachment of wanted) if (!isAmong(attachment, before)) detach(settings, attachment)
    throw error
  }
  for (const attachment of before) if (!isAmong(attachment, wanted)) detach(settings, attachment)
  removeIdleDispatchers(settings)
}

function dispatcherOf(
  dispatchers: ReadonlyMap<LaneHook, ProgramHandle>,
  { hook }: Attachment,
): ProgramHandle {
  const program = dispatchers.get(hook)
  if (!program) throw new RangeError(`no dispatcher was opened for ${hook}`)
  return program
}

/** Removes the dispatchers of hooks that have no link any more. */
export function removeIdleDispatchers(settings: Settings): void {
  for (const hook of hooks)
    if (linkPlaces(settings, hook).length === 0) removePins(hookDirectory(settings, hook))
}
