import { releaseConntrack } from '../kernel/conntrack.ts'
import { listPins } from '../kernel/pin.ts'
import { recordEnd } from '../stats/record.ts'
import { clearCurrent } from './generation.ts'
import { readLive, requireOwnNamespace } from './live.ts'
import { type LockWait, withLock } from './lock.ts'
import { forgetKept } from './passthrough/kept.ts'
import { removeEverything } from './remove.ts'
import type { Settings } from './settings.ts'

export interface DetachOptions {
  readonly wait: LockWait
  /** Also where the rules are another namespace's, or cannot be read. */
  readonly force: boolean
}

/** Stops filtering and removes every pin, program and map. False where there was nothing. The rule sets stay in the state directory, and tables that were handed to the kernel's own iptables in force. */
export const detachAll = (settings: Settings, { wait, force }: DetachOptions): Promise<boolean> =>
  withLock(settings, wait, async () => {
    const live = force ? undefined : readLive(settings)
    if (live) {
      requireOwnNamespace(live)
      await recordEnd(settings, live)
    }
    const found = listPins(settings.pinDirectory).length > 0
    removeEverything(settings)
    clearCurrent(settings)
    forgetKept(settings)
    if (force || live?.generation.conntrack) releaseConntrack()
    return found
  })
