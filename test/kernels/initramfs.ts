// The file system that a kernel is booted into: this project as it is built, node, the commands that tests run, and the libraries of both.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { type Entry, writeArchive } from './cpio.ts'
import { loadOrder } from './module.ts'

const project = new URL('../../../', import.meta.url).pathname

/** Where the project lies in the guest. */
export const guestProject = '/bpftables'

/** What tests and commands start. */
const commands = [
  'ip',
  'nsenter',
  'bpftool',
  'taskset',
  'iptables-legacy-save',
  'iptables-legacy-restore',
  'ip6tables-legacy-save',
  'ip6tables-legacy-restore',
] as const

/** What tests need of a kernel that is not built into it; of iptables all there is, since random rules use most of it. */
const isWanted = (module: string): boolean =>
  /^(ip6?table|ip6?t|xt)_/.test(module) ||
  ['veth', 'nf_conntrack', 'nf_tables', 'nft_ct', 'crc32c_generic', 'sch_ingress'].includes(module)

type Tree = Map<string, Entry>

const file = (path: string, executable: boolean): Entry => ({
  kind: 'file',
  data: readFileSync(path),
  executable,
})

/** A path as the archive has it. */
const inArchive = (path: string): string => path.replace(/^\/+/, '')

/** The libraries a binary is linked with, as the loader will look for them. */
const librariesOf = (path: string): string[] => {
  const { stdout } = spawnSync('ldd', [path], { encoding: 'utf8' })
  return [...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].flatMap(([, library]) => library ?? [])
}

const addBinary = (tree: Tree, path: string, as = path): void => {
  tree.set(inArchive(as), file(realpathSync(path), true))
  for (const library of librariesOf(realpathSync(path)))
    if (!tree.has(inArchive(library))) tree.set(inArchive(library), file(realpathSync(library), true))
}

const findCommand = (command: string): string =>
  execFileSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin; command -v ${command}`], { encoding: 'utf8' }).trim()

/** The matches of iptables-legacy are libraries that it opens by name. */
const addExtensions = (tree: Tree): void => {
  const directory = '/usr/lib/x86_64-linux-gnu/xtables'
  if (!existsSync(directory)) return
  for (const name of readdirSync(directory)) {
    const path = join(directory, name)
    const isLink = name.endsWith('.so') && realpathSync(path) !== path
    tree.set(inArchive(path), isLink ? { kind: 'link', target: readlinkSync(path) } : file(path, true))
  }
}

/** What node runs or reads of a package; not its sources. */
const isNeeded = (name: string): boolean => /\.([cm]?js|json|node)$/.test(name)

const addDirectory = (
  tree: Tree,
  directory: string,
  as: string,
  wanted: (name: string) => boolean = () => true,
): void => {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!statSync(path).isFile() || !wanted(entry.name)) continue
    const place = inArchive(join(as, relative(directory, path)))
    if (entry.name.endsWith('.node')) addBinary(tree, path, place)
    else tree.set(place, file(path, (statSync(path).mode & 0o111) !== 0))
  }
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const readManifest = (directory: string): Manifest =>
  JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))

/** Where node finds a package from a directory; undefined where it is not installed. */
const packageDirectory = (name: string, from: string): string | undefined =>
  (createRequire(join(from, 'package.json')).resolve.paths(name) ?? [])
    .map(path => join(path, name))
    .find(path => existsSync(join(path, 'package.json')))

/** The packages that one needs, and those that they need. */
const addPackages = (tree: Tree, from: string, seen: Set<string>): void => {
  const { dependencies, optionalDependencies } = readManifest(from)
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const directory = packageDirectory(name, from)
    if (directory === undefined || seen.has(directory)) continue
    seen.add(directory)
    addDirectory(tree, realpathSync(directory), join(guestProject, relative(project, directory)), isNeeded)
    addPackages(tree, directory, seen)
  }
}

const addProject = (tree: Tree): void => {
  for (const name of ['dist', 'bin', 'fixtures'])
    addDirectory(tree, join(project, name), join(guestProject, name))
  tree.set(inArchive(`${guestProject}/package.json`), file(join(project, 'package.json'), false))
  addPackages(tree, project, new Set())
}

/** What iptables prints protocols, ports and device groups by. */
const names = ['/etc/protocols', '/etc/services', '/etc/iproute2/group', '/usr/share/iproute2/group'] as const

/** What scripts and the kernel take for granted. */
const addSystem = (tree: Tree): void => {
  for (const name of ['proc', 'sys', 'tmp', 'run', 'root']) tree.set(name, { kind: 'directory' })
  tree.set('dev/console', { kind: 'device', major: 5, minor: 1 })
  tree.set('dev/null', { kind: 'device', major: 1, minor: 3 })
  tree.set('dev/urandom', { kind: 'device', major: 1, minor: 9 })
  for (const path of names) if (existsSync(path)) tree.set(inArchive(path), file(path, false))
  for (const command of ['sh', 'env']) addBinary(tree, findCommand(command), `/usr/bin/${command}`)
  tree.set('bin', { kind: 'link', target: 'usr/bin' })
}

/** All that is the same for every kernel. */
export const baseArchive = (): Uint8Array => {
  const tree: Tree = new Map()
  addSystem(tree)
  addBinary(tree, process.execPath, '/usr/bin/node')
  for (const command of commands) addBinary(tree, findCommand(command), `/usr/bin/${command}`)
  addExtensions(tree)
  addProject(tree)
  return writeArchive(tree)
}

/** Modules of a kernel, numbered in the order to load them in. An initial file system may be several archives, one behind the other. */
export const moduleArchive = (directory: string): Uint8Array => {
  const ordered = [...loadOrder(directory, isWanted)]
  return writeArchive(
    new Map(
      ordered.map(([name, data], index) => [
        `modules/${`${index}`.padStart(3, '0')}-${name}.ko`,
        { kind: 'file', data, executable: false },
      ]),
    ),
  )
}
