// What is attached where, read back from the kernel, and whether that enforces the rules.

import type { Family } from 'iptables-parser'
import { counterMap } from '../../translator/emit/count.ts'
import { asideMap } from '../../translator/hook/aside.ts'
import { dispatcherMaps } from '../../translator/hook/dispatcher.ts'
import { type Lane, laneName } from '../../translator/lane.ts'
import { allLinks, type LinkInfo } from '../kernel/link.ts'
import { openPin } from '../kernel/pin.ts'
import { interfaceIndex } from '../kernel/sys/interface.ts'
import { close, programInfoOf } from '../kernel/sys/object.ts'
import { leadsTo, pinnedAttachments, readLink } from './attach.ts'
import { programInSlot } from './bank.ts'
import { withDescriptors } from './descriptors.ts'
import type { EarlyChoice } from './early.ts'
import { type Generation, readCurrent } from './generation.ts'
import { setAside } from './interfaces.ts'
import { type Attachment, attachmentsOf, type LaneHook, placeOf } from './lanes.ts'
import { currentNamespace, type Live, readLive } from './live.ts'
import { openSharedMaps, type SharedMaps } from './maps.ts'
import { readKept } from './passthrough/kept.ts'
import { dispatcherPin, mapPin, programPin } from './pins.ts'
import { presentName } from './renamed.ts'
import type { Settings } from './settings.ts'

/** One place a dispatcher is, or should be, attached to. Without a link it is not. */
export interface AttachmentStatus {
  readonly hook: LaneHook
  /** A device, or at netfilter hooks ipv4 or ipv6. */
  readonly on: string
  readonly link?: LinkInfo
}

/** The program that a dispatcher calls. Without an id its lane is empty, and the dispatcher drops. */
export interface LaneStatus {
  readonly lane: string
  readonly programId?: number
  readonly pinned: boolean
}

export interface TableStatus {
  readonly family: Family
  readonly table: string
  /** Ours, or that of the kernel's own iptables. */
  readonly runs: 'programs' | 'iptables'
  readonly reason?: string
}

export interface Status {
  /** Every packet of the families loaded is decided by the rules. */
  readonly enforces: boolean
  /** What is wrong, in words. */
  readonly problems: readonly string[]
  /** Network namespace of this command. */
  readonly namespace: string
  readonly generation?: number
  readonly time?: string
  readonly hook?: string
  /** Where drops are taken early, in front of that hook, and why, or why not; none where the user chose the hook. */
  readonly early: readonly EarlyChoice[]
  /** Families of which xdp or tc, where they judge alone, have left all to netfilter since the rules were loaded: other hooks lie between. */
  readonly aside: readonly Family[]
  readonly families: readonly Family[]
  readonly attachments: readonly AttachmentStatus[]
  readonly lanes: readonly LaneStatus[]
  /** Pins that should be there and are not. */
  readonly missingPins: readonly string[]
  /** Where each table is run, and why not here. */
  readonly tables: readonly TableStatus[]
  /** Links of other programs at the same hooks, in this or, for netfilter, any namespace. */
  readonly others: readonly LinkInfo[]
}

/** Reads back what is loaded and attached. Changes nothing. */
export function readStatus(settings: Settings): Status {
  const live = readLive(settings)
  return live ? describe(settings, live) : describeNothing(settings)
}

function describeNothing(settings: Settings): Status {
  const saved = readCurrent(settings)
  const found = pinnedAttachments(settings).map(attachment => attachmentStatus(settings, attachment))
  return {
    enforces: false,
    problems: [
      'no rules are loaded',
      ...(saved === undefined
        ? []
        : [`generation ${saved} was in force last: "bpftables apply --saved" loads it`]),
      ...found.map(
        ({ hook, on }) => `${hook} on ${on} is attached, though nothing is in force: run "bpftables detach"`,
      ),
    ],
    namespace: currentNamespace(),
    early: [],
    aside: [],
    families: [],
    attachments: found,
    lanes: [],
    missingPins: [],
    tables: tableStatuses(settings, []),
    others: [],
  }
}

function describe(settings: Settings, live: Live): Status {
  const { generation, rulesets } = live
  const attachments = attachmentsOf(generation).map(attachment => attachmentStatus(settings, attachment))
  const absent = attachments.flatMap(attachment => absenceOf(attachment, generation) ?? [])
  const lanes = laneStatuses(settings, live)
  const faults = [
    ...namespaceFaults(live),
    ...absent.filter(({ harmless }) => !harmless).map(({ says }) => says),
    ...lanes.flatMap(({ lane, programId }) =>
      programId === undefined ? [`${lane} has no program: its hook drops every packet`] : [],
    ),
  ]
  const missingPins = findMissingPins(settings, live)
  return {
    enforces: faults.length === 0,
    problems: [
      ...faults,
      ...absent.filter(({ harmless }) => harmless).map(({ says }) => says),
      ...missingPins.map(path => `the pin ${path} is missing`),
    ],
    namespace: currentNamespace(),
    generation: generation.number,
    time: generation.time,
    hook: generation.hook,
    early: generation.early ?? [],
    aside: readAside(settings, generation),
    families: rulesets.map(({ ruleset }) => ruleset.family),
    attachments,
    lanes,
    missingPins,
    tables: tableStatuses(settings, rulesets),
    others: otherLinks(attachments),
  }
}

const tableStatuses = (settings: Settings, rulesets: Live['rulesets']): TableStatus[] => [
  ...rulesets.flatMap(({ ruleset: { family, tables } }) =>
    tables.map(({ name }) => ({ family, table: name, runs: 'programs' as const })),
  ),
  ...readKept(settings).map(({ family, table, reason }) => ({
    family,
    table,
    runs: 'iptables' as const,
    reason,
  })),
]

function readAside(settings: Settings, { hook }: Generation): Family[] {
  if (hook === 'netfilter') return []
  return withDescriptors(keep => {
    const { maps } = openSharedMaps(settings, [asideMap], 'skip', keep)
    const map = maps.get(asideMap.name)
    return map ? setAside(map) : []
  })
}

function namespaceFaults({ generation: { namespace } }: Live): string[] {
  const current = currentNamespace()
  return namespace === current
    ? []
    : [`the rules filter the network namespace ${namespace}; this is another one, ${current}`]
}

/** A link that is missing. It is harmless where netfilter decides all the same, and where the device is gone. */
interface Absence {
  readonly says: string
  readonly harmless: boolean
}

function absenceOf({ hook, on, link }: AttachmentStatus, { hook: decides }: Generation): Absence | undefined {
  if (link) return undefined
  const atDevice = hook === 'xdp' || hook === 'tc-ingress'
  if (atDevice && interfaceIndex(on) === undefined)
    return { says: `${hook}: there is no device ${on} any more`, harmless: true }
  return { says: `${hook} on ${on} is not attached`, harmless: atDevice && decides === 'netfilter' }
}

function attachmentStatus(settings: Settings, attachment: Attachment): AttachmentStatus {
  const link = readLink(settings, attachment)
  const place = placeOf(attachment)
  const status = { hook: attachment.hook, on: place }
  if (!link || link.programId !== dispatcherId(settings, attachment.hook)) return status
  if (leadsTo(link, attachment)) return { ...status, link }
  const name = presentName(link, place)
  return name === undefined ? status : { ...status, on: name, link }
}

/** The id of the dispatcher that is pinned; undefined where none is. */
function dispatcherId(settings: Settings, hook: LaneHook): number | undefined {
  const fd = openPin(dispatcherPin(settings, hook))
  if (fd === undefined) return undefined
  try {
    return programInfoOf(fd).id
  } finally {
    close(fd)
  }
}

function laneStatuses(settings: Settings, live: Live): LaneStatus[] {
  const { lanes, number } = live.generation
  return withDescriptors(keep => {
    const specs = lanes.flatMap(({ hook }) => dispatcherMaps(hook))
    const shared = openSharedMaps(settings, specs, 'skip', keep)
    return lanes.map(lane => laneStatus(settings, number, lane, shared))
  })
}

function laneStatus(settings: Settings, number: number, lane: Lane, shared: SharedMaps): LaneStatus {
  const programId = programInSlot(shared, number, lane)
  const pinned = exists(programPin(settings, number, lane))
  return { lane: laneName(lane), ...(programId !== undefined && { programId }), pinned }
}

function exists(path: string): boolean {
  const fd = openPin(path)
  if (fd !== undefined) close(fd)
  return fd !== undefined
}

function findMissingPins(settings: Settings, { generation, counterArrays }: Live): string[] {
  // xdp and tc have no dispatcher where there is no device for one
  const hooks = [...new Set(attachmentsOf(generation).map(({ hook }) => hook))]
  const maps = [...hooks.flatMap(dispatcherMaps), ...counterArrays.map(counterMap)]
  const paths = [
    ...hooks.map(hook => dispatcherPin(settings, hook)),
    ...new Set(maps.map(({ name }) => mapPin(settings, name))),
    ...generation.lanes.map(lane => programPin(settings, generation.number, lane)),
  ]
  return paths.filter(path => !exists(path))
}

/** Links at the same hooks that are not ours: packets meet those programs too. */
function otherLinks(attachments: readonly AttachmentStatus[]): LinkInfo[] {
  const ours = attachments.flatMap(({ link }) => link ?? [])
  const ids = new Set(ours.map(({ id }) => id))
  return allLinks().filter(link => !ids.has(link.id) && ours.some(own => isSamePlace(own, link)))
}

/** A netfilter link does not say its namespace; but in one, no two have the same priority. */
function isSamePlace(a: LinkInfo, b: LinkInfo): boolean {
  if (a.kind === 'netfilter' && b.kind === 'netfilter')
    return a.pf === b.pf && a.hooknum === b.hooknum && a.priority !== b.priority
  if (a.kind === 'tcx' && b.kind === 'tcx') return a.ifindex === b.ifindex && a.direction === b.direction
  return a.kind === 'xdp' && b.kind === 'xdp' && a.ifindex === b.ifindex
}
