import type { LockWait } from '../service/lock.ts'
import { UsageError } from './error.ts'

/** The option -w, in yargs' terms: a number of seconds, or none for as long as it takes. */
export const waitOption = {
  alias: 'w',
  type: 'string',
  describe: 'Seconds to wait for another program that changes rules; as long as it takes if not given',
} as const

/** Reads the argument of -w. */
export function parseWait(text: string | undefined): LockWait {
  if (text === undefined || text === '') return Number.POSITIVE_INFINITY
  if (/^\d+$/.test(text)) return Number(text)
  throw new UsageError(`"${text}" is not a number of seconds to wait`)
}
