import type { Family } from 'iptables-parser'
import type { ExitCode } from './error.ts'

type DropIn = (words: readonly string[]) => Promise<ExitCode>

const save =
  (family: Family): DropIn =>
  async words =>
    (await import('./iptables-save.ts')).iptablesSave(family, words)

const restore =
  (family: Family): DropIn =>
  async words =>
    (await import('./iptables-restore.ts')).iptablesRestore(family, words)

const edit =
  (family: Family): DropIn =>
  async words =>
    (await import('./iptables-edit.ts')).iptables(family, words)

/** The commands that take the place of iptables' own: by name, given what follows the name. */
export const dropIns: Readonly<Record<string, DropIn>> = {
  iptables: edit(4),
  ip6tables: edit(6),
  'iptables-save': save(4),
  'ip6tables-save': save(6),
  'iptables-restore': restore(4),
  'ip6tables-restore': restore(6),
}
