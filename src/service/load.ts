// Loading the programs of a generation: what cannot be taken for its size is refused before anything is touched, and what a kernel
// refuses for how far its jumps go is tried again with shorter ones.

import { cautiousJumps } from '../../translator/asm/relax.ts'
import { laneName } from '../../translator/lane.ts'
import type { MapSpec } from '../../translator/program.ts'
import type { Translated, Translation } from '../../translator/translate.ts'
import { ensurePinDirectory } from '../kernel/bpffs.ts'
import { requireRoom, requireShort } from '../kernel/limit.ts'
import { ServiceError } from './error.ts'
import { withKernelTypes } from './kernel-types.ts'
import { explainMissing } from './missing.ts'
import type { Settings } from './settings.ts'
import { type Next, rehearse, type SwapOptions, swap } from './swap.ts'

export interface LoadOptions extends SwapOptions {
  /** Let the verifier see the programs, but leave everything as it is. */
  readonly dryRun?: boolean
}

/** Loads the programs, and where the kernel may have refused them for their far jumps those translated `cautiously`. */
export async function load(
  settings: Settings,
  next: Next,
  cautiously: () => Translation,
  options: LoadOptions,
): Promise<void> {
  const attempt = async (next: Next): Promise<void> => {
    requireFitting(next)
    if (options.dryRun) return rehearse(settings, next)
    ensurePinDirectory(settings.pinDirectory)
    await swap(settings, next, options)
  }
  const attemptTwice = async (): Promise<void> => {
    try {
      await attempt(next)
    } catch (error) {
      const translation = mayBeFarJumps(error, next.translation) ? cautiously() : undefined
      if (translation?.kind !== 'translated') throw error
      await attempt({ ...next, translation })
    }
  }
  try {
    await withKernelTypes(settings, attemptTwice)
  } catch (error) {
    throw explainMissing(error, next.generation.hook)
  }
}

/** Whether a program was refused that has jumps which not every kernel can make (see cautiousJumps). */
const mayBeFarJumps = (error: unknown, { programs }: Translated): boolean =>
  error instanceof ServiceError &&
  error.code === 'ERR_REJECTED' &&
  programs.some(({ spec }) =>
    spec.functions.some(({ instructions }) => instructions.length > cautiousJumps.reach),
  )

/** Throws KernelError('ERR_LIMIT') where the kernel will not take the next generation for its size. */
function requireFitting({ live, translation: { programs } }: Next): void {
  for (const { spec } of programs) requireShort(spec)
  const there = new Set(live?.counterArrays.map(({ name }) => name))
  const specs = new Map<string, MapSpec>()
  for (const { lane, spec } of programs)
    for (const map of spec.maps)
      if (!there.has(map.name)) specs.set(map.shared ? map.name : `${laneName(lane)} ${map.name}`, map)
  requireRoom([...specs.values()])
}
