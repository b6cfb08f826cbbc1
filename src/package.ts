// Where this package is installed: bundled code lies at another depth than the modules it was made of.

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The directory of our package.json. */
export const packageDirectory: string = above(dirname(fileURLToPath(import.meta.url)))

function above(directory: string): string {
  if (existsSync(join(directory, 'package.json'))) return directory
  const parent = dirname(directory)
  if (parent === directory) throw new Error('bpftables is not inside of its package')
  return above(parent)
}
