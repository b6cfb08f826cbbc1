// Devices that were given another name since a link to them was pinned. A link stays with its device; its pin is called after the device, and follows.

import { renameSync } from 'node:fs'
import type { LinkInfo } from '../kernel/link.ts'
import { interfaceIndex, interfaceName } from '../kernel/sys/interface.ts'
import { readLink } from './attach.ts'
import { attachmentAt, type LaneHook } from './lanes.ts'
import { linkPin, linkPlaces } from './pins.ts'
import type { Settings } from './settings.ts'

const deviceHooks = ['xdp', 'tc-ingress'] as const satisfies readonly LaneHook[]

interface Move {
  readonly hook: LaneHook
  readonly place: string
  readonly index: number
  readonly name: string
}

/** Calls the pins of links after the devices they lead to now. */
export function followNames(settings: Settings): void {
  const moves = deviceHooks.flatMap(hook =>
    linkPlaces(settings, hook).flatMap(place => moveOf(settings, hook, place)),
  )
  // all aside first: devices may have changed names with one another
  for (const { hook, place, index } of moves)
    renameSync(linkPin(settings, hook, place), linkPin(settings, hook, between(index)))
  for (const { hook, index, name } of moves)
    renameSync(linkPin(settings, hook, between(index)), linkPin(settings, hook, name))
}

/** The place of a link on its way from one name to another. No device has such a name, so the next call moves on what a process died over moving. */
const between = (index: number): string => ` ${index}`

function moveOf(settings: Settings, hook: LaneHook, place: string): Move[] {
  const index = deviceOf(readLink(settings, attachmentAt(hook, place)))
  const name = index === undefined ? undefined : interfaceName(index)
  return index === undefined || name === undefined || name === place ? [] : [{ hook, place, index, name }]
}

const deviceOf = (link: LinkInfo | undefined): number | undefined =>
  link?.kind === 'xdp' || link?.kind === 'tcx' ? link.ifindex : undefined

/** What the device of a link that was made for `place` is called now; undefined where it is gone, or the name is another device's. */
export function presentName(link: LinkInfo, place: string): string | undefined {
  const index = deviceOf(link)
  if (index === undefined || interfaceIndex(place) !== undefined) return undefined
  return interfaceName(index)
}
