// Gets a kernel with apt, through lists and a cache of our own: nothing of the machine's apt is changed, and nothing is installed.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Kernel } from './catalogue.ts'

/** An unpacked kernel. */
export interface KernelFiles {
  /** As uname -r says it. */
  readonly release: string
  readonly image: string
  /** Where its modules lie, at any depth. */
  readonly modules: string
}

/** A kernel that cannot be had here, and why. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable'
}

/** A kernel that cannot be had although the archive answered: what is looked for there must have changed. */
export class Misplaced extends Unavailable {}

const { XDG_CACHE_HOME: cacheHome } = process.env

export const cacheDirectory = join(cacheHome ?? join(homedir(), '.cache'), 'bpftables', 'kernels')

/** Where Debian's packages are signed by; other distributions have it in the package debian-archive-keyring. */
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
const mirror = 'http://deb.debian.org'

const sourceLine = ({ archive, suite }: Kernel): string =>
  `deb [arch=amd64 signed-by=${keyring}] ${mirror}/${archive} ${suite} main\n`

const run = (command: string, args: readonly string[], directory: string): string => {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: directory, encoding: 'utf8' })
  if (error) throw new Unavailable(`${command} cannot be run: ${error.message}`)
  if (status === 0) return stdout
  const reason = stderr.trim().split('\n').at(-1) ?? ''
  throw new Unavailable(`${command} ${args.at(-1)} failed: ${reason}`)
}

/** apt with nothing but the suite of this kernel. */
const aptOptions = (directory: string): string[] =>
  [
    `Dir::Etc::sourcelist=${directory}/sources.list`,
    'Dir::Etc::sourceparts=-',
    `Dir::State::lists=${directory}/lists`,
    `Dir::Cache=${directory}/cache`,
    'APT::Architecture=amd64',
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'APT::Update::Error-Mode=any',
  ].map(option => `-o${option}`)

/** The packages with the image and the modules of the latest build. */
const packagesOf = (kernel: Kernel, directory: string): string[] => {
  const options = [
    '--recurse',
    ...['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'].map(no => `--no-${no}`),
  ]
  const listing = run(
    'apt-cache',
    [...aptOptions(directory), 'depends', ...options, kernel.package],
    directory,
  )
  const found = listing
    .split('\n')
    .filter(line => /^linux-(image|binary|modules)-\d+\.\d+\.\d.*-cloud-amd64$/.test(line))
  if (found.length === 0) throw new Misplaced(`${kernel.suite} has no package ${kernel.package}`)
  return [...new Set(found)]
}

const releaseOf = (packages: readonly string[]): string =>
  packages.flatMap(name => /^linux-image-(\d.*)$/.exec(name)?.[1] ?? [])[0] ?? ''

/** Unpacks under another name first, so that what was interrupted is not taken for whole. */
const unpack = (packages: readonly string[], directory: string, target: string): void => {
  const unfinished = `${target}.part`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  run('apt-get', [...aptOptions(directory), '--quiet=2', 'download', ...packages], unfinished)
  for (const file of readdirSync(unfinished).filter(name => name.endsWith('.deb'))) {
    run('dpkg', ['-x', file, '.'], unfinished)
    rmSync(join(unfinished, file))
  }
  renameSync(unfinished, target)
}

const filesIn = (directory: string, release: string): KernelFiles => {
  const image = [`boot/vmlinuz-${release}`, `usr/lib/modules/${release}/vmlinuz`]
    .map(path => join(directory, path))
    .find(existsSync)
  const modules = ['lib/modules', 'usr/lib/modules'].map(path => join(directory, path)).find(existsSync)
  if (image && modules) return { release, image, modules }
  throw new Misplaced(`the packages of ${release} hold no kernel where one is looked for`)
}

/** The latest build of a kernel: downloaded, or from the cache. Throws Unavailable. */
export function fetchKernel(kernel: Kernel): KernelFiles {
  if (process.arch !== 'x64') throw new Unavailable(`the kernels are for x86-64, and this is ${process.arch}`)
  if (!existsSync(keyring)) throw new Unavailable(`${keyring} is missing (package debian-archive-keyring)`)
  const directory = join(cacheDirectory, kernel.name)
  for (const part of ['lists/partial', 'cache']) mkdirSync(join(directory, part), { recursive: true })
  writeFileSync(join(directory, 'sources.list'), sourceLine(kernel))
  run('apt-get', [...aptOptions(directory), '--quiet=2', 'update'], directory)
  const packages = packagesOf(kernel, directory)
  const release = releaseOf(packages)
  const target = join(directory, release)
  if (!existsSync(target)) unpack(packages, directory, target)
  return filesIn(target, release)
}
