import { readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { Host } from './host.ts'

/** What is compared: something that filters a host by iptables-save text and says what it counted. */
export interface Firewall {
  readonly name: string
  /** Enforces the rules of `text` in the host's namespace. Throws where it refuses them. */
  readonly load: (host: Host, text: string) => void | Promise<void>
  /** The tables it was given, of those that programs can be, as `iptables-save -c` prints them. */
  readonly read: (host: Host) => string | Promise<string>
  /** Whether packets may leave in other pieces than they would without it. */
  readonly reshapes?: boolean
  /** Undoes what outlives the host's namespace. */
  readonly unload?: (host: Host) => void | Promise<void>
}

const lockFile = (host: Host): string => join(tmpdir(), `${basename(host.path)}.lock`)

/** A lock of its own, so that tests do not wait for each other. */
export const lockEnvironment = (host: Host): Readonly<Record<string, string>> => ({
  XTABLES_LOCKFILE: lockFile(host),
})

const command = (host: Host, verb: 'restore' | 'save'): string =>
  `${host.topology.family === 4 ? 'iptables' : 'ip6tables'}-legacy-${verb}`

/** The tables of rule sets in iptables-save form that programs can be. */
const ownTables = (text: string): readonly string[] => text.match(/(?<=^\*)(filter|raw|mangle)$/gm) ?? []

const loaded = new WeakMap<Host, readonly string[]>()

/** Translates addresses in the host from now on. */
export const loadNat = (host: Host, text: string): void => {
  host.run(command(host, 'restore'), [], text, lockEnvironment(host))
}

/** Asking iptables for a table makes the kernel begin it. */
const hasTable = (host: Host, name: string): boolean => {
  const list = `/proc/thread-self/net/${host.topology.family === 4 ? 'ip' : 'ip6'}_tables_names`
  return host
    .inside(() => readFileSync(list, 'utf8'))
    .split('\n')
    .includes(name)
}

/** The nat table with its counters; '' where there is none. */
export const readNat = (host: Host): string =>
  hasTable(host, 'nat') ? host.run(command(host, 'save'), ['-c', '-t', 'nat'], '', lockEnvironment(host)) : ''

/** The kernel's own: the oracle. */
export const legacy: Firewall = {
  name: 'iptables-legacy',
  load: (host, text) => {
    loaded.set(host, ownTables(text))
    host.run(command(host, 'restore'), ['-c'], text, lockEnvironment(host))
  },
  read: host => {
    const tables = loaded.get(host) ?? []
    return tables
      .map(table => host.run(command(host, 'save'), ['-c', '-t', table], '', lockEnvironment(host)))
      .join('')
  },
  unload: host => rmSync(lockFile(host), { force: true }),
}
