// Where everything is pinned, below BPFTABLES_BPFFS:
//
//     <hook>/prog                       the dispatcher that is attached to the hook
//     <hook>/link-<place>               its links: ipv4 and ipv6 at netfilter hooks, the device elsewhere
//     maps/<name>                       maps that outlive a generation
//     generations/<number>/<lane>       the programs of the generation in force

import { readdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { netfilterHooks } from '../../translator/hook/place.ts'
import { type Lane, laneName } from '../../translator/lane.ts'
import { listPins, unpin } from '../kernel/pin.ts'
import { isMissing } from './error.ts'
import type { LaneHook } from './lanes.ts'
import type { Settings } from './settings.ts'

export const hooks: readonly LaneHook[] = ['xdp', 'tc-ingress', ...netfilterHooks]

const LINK = 'link-'

export const hookDirectory = ({ pinDirectory }: Settings, hook: LaneHook): string => join(pinDirectory, hook)

export const dispatcherPin = (settings: Settings, hook: LaneHook): string =>
  join(hookDirectory(settings, hook), 'prog')

/** bpffs takes no dots in names; device names may hold dots, but never colons. */
export const linkPin = (settings: Settings, hook: LaneHook, place: string): string =>
  join(hookDirectory(settings, hook), `${LINK}${place.replaceAll('.', ':')}`)

/** The places that a hook's pinned links are for. */
export const linkPlaces = (settings: Settings, hook: LaneHook): readonly string[] =>
  listPins(hookDirectory(settings, hook)).flatMap(name =>
    name.startsWith(LINK) ? [name.slice(LINK.length).replaceAll(':', '.')] : [],
  )

export const mapDirectory = ({ pinDirectory }: Settings): string => join(pinDirectory, 'maps')

export const mapPin = (settings: Settings, name: string): string => join(mapDirectory(settings), name)

export const generationsDirectory = ({ pinDirectory }: Settings): string => join(pinDirectory, 'generations')

export const generationDirectory = (settings: Settings, number: number): string =>
  join(generationsDirectory(settings), `${number}`)

export const programPin = (settings: Settings, number: number, lane: Lane): string =>
  join(generationDirectory(settings, number), laneName(lane))

/** Removes a directory of pins with all in it, also what a process died over pinning; nothing where it is not there. */
export function removePins(directory: string): void {
  try {
    for (const name of readdirSync(directory)) unpin(join(directory, name))
    rmdirSync(directory)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
