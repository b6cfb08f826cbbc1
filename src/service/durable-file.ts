import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { isMissing, ServiceError, systemReason } from './error.ts'

/**
 * Writes a file, of one part behind the other, so that the old one or the new one is there whenever the power goes: beside it, synced, renamed, and the
 * directory synced. Makes the directory. Throws ServiceError('ERR_FILE').
 */
export function writeDurably(path: string, ...parts: readonly (string | Uint8Array)[]): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const beside = `${path}.new`
    withFile(beside, 'w', fd => {
      for (const part of parts) writeFileSync(fd, part)
      fsyncSync(fd)
    })
    renameSync(beside, path)
    syncDirectory(dirname(path))
  } catch (error) {
    throw new ServiceError('ERR_FILE', `cannot write ${path}: ${systemReason(error)}`, undefined, error)
  }
}

/** Removes a file if it is there. To ask rmSync for that loads what removes directories, which takes longer than all else an edit removes. */
export function removeIfThere(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/** What was made, renamed or removed in a directory is so after a power cut. */
export const syncDirectory = (path: string): void => withFile(path, 'r', fsyncSync)

function withFile(path: string, flags: string, use: (fd: number) => void): void {
  const fd = openSync(path, flags, 0o600)
  try {
    use(fd)
  } finally {
    closeSync(fd)
  }
}

/** The text of a file; undefined where there is none. Throws ServiceError('ERR_FILE'). */
export const readIfThere = (path: string): string | undefined =>
  orMissing(path, () => readFileSync(path, 'utf8'))

/** The same as bytes. */
export const readBytesIfThere = (path: string): Buffer | undefined =>
  orMissing(path, () => readFileSync(path))

function orMissing<T>(path: string, read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (isMissing(error)) return undefined
    throw new ServiceError('ERR_FILE', `cannot read ${path}: ${systemReason(error)}`, undefined, error)
  }
}
