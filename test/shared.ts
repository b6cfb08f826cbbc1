// Material to test against that is no part of the project: it lies beside the working tree, or is not there.

import { existsSync } from 'node:fs'

/** Seen from dist/test: beside a clone, or beside a folder of worktrees. */
const places = ['../../../shared/', '../../../../shared/'].map(path => new URL(path, import.meta.url))

/** A folder of it, given with a `/` at the end; undefined where there is none. */
export const sharedFolder = (name: string): URL | undefined =>
  places.map(place => new URL(name, place)).find(url => existsSync(url))
