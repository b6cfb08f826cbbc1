// Pins: names on bpffs that keep BPF objects alive without a process.

import { readdirSync, renameSync, unlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { failedWith } from './sys/error.ts'
import { type FileDescriptor, pinnedObject, pinObject } from './sys/object.ts'

/** What a pin begins with that a process died over replacing; the next replacement removes it. */
const unfinished = 'new-'
const temporary = (path: string): string => join(dirname(path), `${unfinished}${basename(path)}`)

const isAbsent = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'

/** Removes a pin; false where there was none. The object lives on while anything else holds it. */
export const unpin = (path: string): boolean => {
  try {
    unlinkSync(path)
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}

/** Pins an object, in one step taking the place of what was pinned there: a reader finds the old one or the new one. */
export const pin = (fd: FileDescriptor, path: string): void => {
  const beside = temporary(path)
  unpin(beside)
  pinObject(fd, beside)
  renameSync(beside, path)
}

/** Opens what is pinned at `path`; undefined where nothing is. The caller closes it. */
export const openPin = (path: string): FileDescriptor | undefined => {
  try {
    return pinnedObject(path)
  } catch (error) {
    if (failedWith(error, 'ENOENT')) return undefined
    throw error
  }
}

/** The kernel puts iterators of its own, `maps.debug` and `progs.debug`, at the root of each bpffs. */
const isPin = (name: string): boolean => !name.includes('.') && !name.startsWith(unfinished)

/** The names of pins and directories in a directory on bpffs; none where there is no such directory. */
export const listPins = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory).filter(isPin).sort()
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}
