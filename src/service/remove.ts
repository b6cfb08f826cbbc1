// Taking away what is pinned: links first, so that no packet meets a dispatcher whose slot is empty, and then all the rest.

import { join } from 'node:path'
import { listPins, unpin } from '../kernel/pin.ts'
import { detach, pinnedAttachments, removeIdleDispatchers } from './attach.ts'
import type { Live } from './live.ts'
import { generationsDirectory, mapDirectory, mapPin, removePins } from './pins.ts'
import type { Settings } from './settings.ts'

/** Removes every link, program and map. */
export function removeEverything(settings: Settings): void {
  for (const attachment of pinnedAttachments(settings)) detach(settings, attachment)
  removeIdleDispatchers(settings)
  for (const number of listPins(generationsDirectory(settings)))
    removePins(join(generationsDirectory(settings), number))
  removePins(generationsDirectory(settings))
  removePins(mapDirectory(settings))
}

/** Removes counters that nothing in force counts in: what a process made that died before its rules were in force. */
export function removeUnusedCounters(
  settings: Settings,
  live: Pick<Live, 'counterArrays'> | undefined,
): void {
  const used = new Set(live?.counterArrays.map(({ name }) => name))
  for (const name of listPins(mapDirectory(settings)))
    if (name.startsWith('counters') && !used.has(name)) unpin(mapPin(settings, name))
}
