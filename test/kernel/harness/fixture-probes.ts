import { readFileSync } from 'node:fs'
import type { Family } from 'iptables-parser'
import { type NamedPacket, parseTable } from '../../packet/text.ts'
import { describePath, isSentFromInside, type Path, type Probe } from './probe.ts'

/** Seen from dist/test/kernel/harness. */
const directory = new URL('../../../../fixtures/packets/', import.meta.url)

const tables = { 4: ['link', 'ip4', 'transport'], 6: ['link', 'ip6'] } as const

/** The packets of fixtures/packets that say something to a family. */
export const fixturePackets = (family: Family): readonly NamedPacket[] =>
  tables[family].flatMap(table =>
    parseTable(readFileSync(new URL(`${table}.txt`, directory), 'utf8')).map(({ name, packet }) => ({
      name: `${table}/${name}`,
      packet,
    })),
  )

const isOfFamily = ({ packet }: NamedPacket, family: Family): boolean =>
  packet.find(({ kind }) => kind === 'ip' || kind === 'ip6')?.kind === (family === 4 ? 'ip' : 'ip6')

/** Every fixture packet on every path; those without an IP header of the family only where frames can be sent. */
export const fixtureProbes = (family: Family, paths: readonly Path[]): readonly Probe[] =>
  paths.flatMap(path =>
    fixturePackets(family)
      .filter(named => !isSentFromInside(path) || isOfFamily(named, family))
      .map(({ name, packet }) => ({ name: `${describePath(path)} ${name}`, packet, path })),
  )
