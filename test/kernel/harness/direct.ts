// bpftables without its service: programs translated, loaded and attached in this process, so that what is compared is the
// translator and the kernel alone.

import { type Counters, parseSave, printRuleset, type Ruleset } from 'iptables-parser'
import { requireConntrack } from '../../../src/kernel/conntrack.ts'
import { readCounters } from '../../../src/kernel/counter.ts'
import type { Device } from '../../../src/kernel/link/device.ts'
import { attachNetfilter } from '../../../src/kernel/link/netfilter.ts'
import { attachTcx } from '../../../src/kernel/link/tcx.ts'
import { attachXdp } from '../../../src/kernel/link/xdp.ts'
import { indexKey, type MapHandle, update } from '../../../src/kernel/map.ts'
import type { ProgramHandle } from '../../../src/kernel/program.ts'
import { interfaceIndex } from '../../../src/kernel/sys/interface.ts'
import { closeLater, type FileDescriptor } from '../../../src/kernel/sys/object.ts'
import type { Strategies } from '../../../translator/chain.ts'
import { needsConntrack } from '../../../translator/conntrack.ts'
import { countedRules, counterPlace, newLayout } from '../../../translator/counter.ts'
import { judging } from '../../../translator/hook/device.ts'
import { earlyLane, type Lane, lanesFor } from '../../../translator/lane.ts'
import { translate } from '../../../translator/translate.ts'
import type { Firewall } from './firewall.ts'
import type { Host } from './host.ts'
import { openStore, type ProgramStore } from './program-store.ts'

interface Loaded {
  readonly ruleset: Ruleset
  readonly read: () => ReadonlyMap<string, Counters>
  readonly close: () => void
}

/** Where rules are enforced; `early` is at netfilter, with drops taken early, as `auto` chooses to. */
export const directHooks = ['netfilter', 'early-xdp', 'early-tc', 'xdp', 'tc'] as const
export type DirectHook = (typeof directHooks)[number]

/** Where what was not dropped early is decided. */
export const decidingHook = (hook: DirectHook): 'netfilter' | 'xdp' | 'tc' =>
  hook === 'xdp' || hook === 'tc' ? hook : 'netfilter'

const lanesAt = (hook: DirectHook, ruleset: Ruleset): readonly Lane[] => {
  if (hook !== 'early-xdp' && hook !== 'early-tc') return lanesFor(hook, [ruleset])
  return [...lanesFor('netfilter', [ruleset]), earlyLane(hook === 'early-xdp' ? 'xdp' : 'tc', [ruleset])]
}

interface Choice {
  readonly hook: DirectHook
  readonly strategies: Partial<Strategies>
}

/** bpftables at a hook. With a store of programs, which its user closes, one host at a time; otherwise each load has programs of its own. */
export function direct(
  hook: DirectHook,
  strategies: Partial<Strategies> = {},
  store?: ProgramStore,
): Firewall {
  const loaded = new Map<Host, Loaded>()
  return {
    name: `bpftables at ${hook}`,
    reshapes: hook === 'xdp' || hook === 'early-xdp',
    load: (host, text) => {
      loaded.set(
        host,
        host.inside(() => enforce(host, text, { hook, strategies }, store)),
      )
    },
    read: host => {
      const { ruleset, read } = loaded.get(host) ?? missing()
      return printRuleset(withCounters(ruleset, read()), { counters: true })
    },
    unload: host => {
      loaded.get(host)?.close()
      loaded.delete(host)
    },
  }
}

const missing = (): never => {
  throw new Error('nothing is loaded')
}

/** What `body` yields, or what it took is given back. */
const released = <T>(release: () => void, body: () => T): T => {
  try {
    return body()
  } catch (error) {
    release()
    throw error
  }
}

function enforce(host: Host, text: string, choice: Choice, given?: ProgramStore): Loaded {
  const { hook, strategies } = choice
  const { family } = host.topology
  const ruleset = parseSave(text, { family, name: 'rules' })
  const counted = countedRules([ruleset])
  const counters = newLayout([ruleset])
  const translation = translate([ruleset], { lanes: lanesAt(hook, ruleset), counters, strategies })
  if (translation.kind === 'refused')
    throw new Error(translation.refusals.map(({ reason, rule }) => `${rule.rule}: ${reason}`).join('\n'))
  if (needsConntrack([ruleset])) requireConntrack()
  const store = given ?? openStore()
  const links: FileDescriptor[] = []
  const release = (): void => {
    links.forEach(closeLater)
    if (given === undefined) store.close()
  }
  const maps = released(release, () => {
    const loaded = store.load(translation.programs.map(({ spec }) => spec))
    for (const [index, { lane }] of translation.programs.entries())
      links.push(...attach(lane, loaded.programs[index] ?? missing(), host, loaded.maps.get('interfaces')))
    return loaded.maps
  })
  const read = (): ReadonlyMap<string, Counters> => {
    const arrays = new Map(
      counters.arrays.flatMap(({ name }) => {
        const map = maps.get(name)
        return map ? [[name, readCounters(map)] as const] : []
      }),
    )
    return new Map(
      counted.map(({ table, chain, number }, index) => {
        const { array, index: at } = counterPlace(counters, counters.slots[index] ?? Number.NaN)
        const values = arrays.get(array.name)
        return [
          `${table} ${chain} ${number}`,
          { packets: values?.packets[at] ?? 0n, bytes: values?.bytes[at] ?? 0n },
        ]
      }),
    )
  }
  return { ruleset, read, close: release }
}

function attach(lane: Lane, program: ProgramHandle, host: Host, interfaces: MapHandle | undefined) {
  if (lane.family !== undefined) return [attachNetfilter(program, lane.family, lane.hook).fd]
  return host.topology.devices.map(({ name }) => {
    const device = { name, index: interfaceIndex(name) ?? missing() }
    const link = lane.hook === 'xdp' ? attachXdp(program, device).fd : attachTcx(program, device, 'ingress')
    if (interfaces) list(interfaces, device)
    return link
  })
}

/** From then on the device's packets are judged at ingress. */
const list = (interfaces: MapHandle, { index }: Device): void =>
  update(interfaces, indexKey(index), indexKey(judging.ingress))

const withCounters = (ruleset: Ruleset, counters: ReadonlyMap<string, Counters>): Ruleset => ({
  ...ruleset,
  tables: ruleset.tables.map(table => ({
    ...table,
    chains: table.chains.map(chain => ({
      ...chain,
      ...(chain.policy && { counters: counters.get(`${table.name} ${chain.name} 0`) ?? missing() }),
      rules: chain.rules.map((rule, index) => ({
        ...rule,
        counters: counters.get(`${table.name} ${chain.name} ${index + 1}`) ?? missing(),
      })),
    })),
  })),
})
