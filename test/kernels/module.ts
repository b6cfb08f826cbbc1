// Kernel modules and what they need. Debian's packages come without modules.dep, which depmod makes at installation; each module says what
// it depends on in its section .modinfo.

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** `nf-conntrack.ko.xz` and `nf_conntrack` are the same module. */
const nameOf = (file: string): string => file.replace(/\.ko(\.xz)?$/, '').replaceAll('-', '_')

/** Paths of modules by name. */
export const indexModules = (directory: string): ReadonlyMap<string, string> =>
  new Map(
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter(file => /\.ko(\.xz)?$/.test(file.name))
      .map(file => [nameOf(file.name), join(file.parentPath, file.name)]),
  )

const readModule = (path: string): Buffer =>
  path.endsWith('.xz')
    ? execFileSync('xz', ['--decompress', '--stdout', path], { maxBuffer: 1 << 28 })
    : readFileSync(path)

/** The modules that a module's .modinfo says it depends on. Its strings end with NUL. */
export const dependenciesOf = (module: Uint8Array): string[] => {
  const text = Buffer.from(module.buffer, module.byteOffset, module.length).toString('latin1')
  return (/\0depends=([\w,-]*)\0/.exec(text)?.[1] ?? '').split(',').filter(Boolean).map(nameOf)
}

/**
 * The modules that are wanted with all they depend on, each behind its dependencies. What there is no module for is built in, or not
 * there.
 */
export function loadOrder(
  directory: string,
  isWanted: (name: string) => boolean,
): ReadonlyMap<string, Uint8Array> {
  const paths = indexModules(directory)
  const ordered = new Map<string, Uint8Array>()
  const add = (name: string): void => {
    const path = paths.get(name)
    if (ordered.has(name) || path === undefined) return
    const data = readModule(path)
    dependenciesOf(data).forEach(add)
    ordered.set(name, data)
  }
  for (const name of paths.keys()) if (isWanted(name)) add(name)
  return ordered
}
