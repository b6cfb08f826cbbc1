// A host in the interpreter: the programs of a hook choice run on a packet as the kernel would run them, one behind the other, and the
// reference evaluator beside them.

import { type Counters, evaluate, type Packet, type Ruleset } from 'iptables-parser'
import { type CounterLayout, countedRules, counterPlace, newLayout } from '../../translator/counter.ts'
import { interfaceMap, judging } from '../../translator/hook/device.ts'
import { laneName, lanesOf } from '../../translator/lane.ts'
import type { ProgramSpec } from '../../translator/program.ts'
import { translate } from '../../translator/translate.ts'
import type { Device, NetfilterInput } from '../../translator/vm/context.ts'
import { fibResult } from '../../translator/vm/fib.ts'
import { newVm, type Vm } from '../../translator/vm/vm.ts'
import { type Probe, datagramOf as sentOf } from '../kernel/harness/probe.ts'
import { macBytes } from '../packet/address.ts'
import { build } from '../packet/build.ts'
import { hostMac } from '../packet/link.ts'
import { type Datagram, datagramAt, datagramIn, offTag } from './receive.ts'

export type Chain = 'INPUT' | 'FORWARD' | 'OUTPUT'
export type State = 'NEW' | 'ESTABLISHED' | 'RELATED' | 'INVALID' | 'UNTRACKED'

/** One packet and what the kernel would know of it. */
export interface Arrival {
  readonly chain: Chain
  /** For OUTPUT from the IP header on, else from the Ethernet header on. */
  readonly bytes: Uint8Array
  readonly inDevice: string
  readonly outDevice: string
  readonly state: State
}

/** `none` where the packet never comes to the filter table. */
export type Verdict = 'accept' | 'drop' | 'none'

/** Undefined for packets that cannot be sent from inside, since they have no IP header. */
export const arrivalOf = (
  { packet, path }: Pick<Probe, 'packet' | 'path'>,
  state: State,
): Arrival | undefined => {
  const sent = path.hook === 'OUTPUT' ? sentOf(packet) : packet
  if (!sent) return undefined
  return {
    chain: path.hook,
    bytes: build(sent),
    inDevice: path.hook === 'OUTPUT' ? '' : path.device,
    outDevice: path.hook === 'INPUT' ? '' : path.hook === 'FORWARD' ? path.out : path.device,
    state,
  }
}

/** Something that judges packets and counts. */
export interface Judge {
  judge(arrival: Arrival): Verdict
  /** By `chain number`, as countedRules names them; what has counted nothing is left out. */
  counters(): ReadonlyMap<string, Counters>
}

const deviceOf = (name: string): Device | undefined =>
  name === ''
    ? undefined
    : { name, ifindex: 1 + [...name].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) }

/** The packet as the base chain sees it. */
const datagramOf = ({ chain, bytes }: Arrival, { family }: Ruleset): Datagram | undefined => {
  const datagram = chain === 'OUTPUT' ? datagramAt(family, bytes) : datagramIn(bytes)
  return datagram?.family === family ? datagram : undefined
}

/** The reference evaluator. */
export function evaluator(ruleset: Ruleset): Judge {
  const counters = new Map<string, Counters>()
  const count = (key: string, bytes: number): void => {
    const before = counters.get(key) ?? { packets: 0n, bytes: 0n }
    counters.set(key, { packets: before.packets + 1n, bytes: before.bytes + BigInt(bytes) })
  }
  return {
    judge: arrival => {
      const datagram = datagramOf(arrival, ruleset)
      if (!datagram) return 'none'
      const packet: Packet = {
        ...datagram,
        inInterface: arrival.inDevice,
        outInterface: arrival.outDevice,
        conntrack: { state: arrival.state },
      }
      const { verdict, path } = evaluate(ruleset, 'filter', arrival.chain, packet)
      for (const { chain, number } of path) count(`${chain} ${number}`, datagram.bytes.length)
      return verdict
    },
    counters: () => counters,
  }
}

/** enum ip_conntrack_info, for packets of the original direction; without a connection a packet is INVALID. */
const connections: Readonly<Record<State, NetfilterInput['conntrack']>> = {
  ESTABLISHED: { info: 0, status: 0 },
  RELATED: { info: 1, status: 0 },
  NEW: { info: 2, status: 0 },
  INVALID: undefined,
  UNTRACKED: 'untracked',
}

/** enum nf_inet_hooks */
const hooks = { INPUT: 1, FORWARD: 2, OUTPUT: 3 } as const
const lanes = { INPUT: 'nf-input', FORWARD: 'nf-forward', OUTPUT: 'nf-output' } as const

/** The programs' names are those of their lanes, as the kernel takes them. */
const programName = (lane: string): string => lane.replaceAll('-', '_')

const NF_ACCEPT = 1
const XDP_DROP = 1
const TCX_DROP = 2

const ETHERNET_BYTES = 14
const hostAddress = macBytes(hostMac)

function atNetfilter(vm: Vm, { family, bytes }: Datagram, arrival: Arrival): Verdict {
  const [inDevice, outDevice] = [deviceOf(arrival.inDevice), deviceOf(arrival.outDevice)]
  const frame = arrival.chain === 'OUTPUT' ? undefined : arrival.bytes.slice(0, ETHERNET_BYTES)
  const conntrack = connections[arrival.state]
  const { verdict } = vm.run(programName(laneName({ hook: lanes[arrival.chain], family })), {
    kind: 'netfilter',
    packet: bytes,
    hook: hooks[arrival.chain],
    pf: family === 4 ? 2 : 10,
    ...(inDevice && { in: { ...inDevice, address: hostAddress } }),
    ...(frame && { frame }),
    ...(outDevice && { out: outDevice }),
    ...(conntrack && { conntrack }),
  })
  return verdict === NF_ACCEPT ? 'accept' : 'drop'
}

/** Whether the program at ingress drops a frame. */
function droppedAtIngress(vm: Vm, hook: 'xdp' | 'tc', { bytes, inDevice }: Arrival): boolean {
  const ifindex = deviceOf(inDevice)?.ifindex ?? 0
  const on = { ifindex, device: inDevice, address: hostAddress } as const
  if (hook === 'xdp') return vm.run('xdp', { kind: 'xdp', packet: bytes, ...on }).verdict === XDP_DROP
  const { vlan, ...skb } = offTag(bytes)
  const input = { kind: 'tc', ...skb, ...on, ingressIfindex: ifindex, ...(vlan && { vlan }) } as const
  return vm.run(programName('tc-ingress'), input).verdict === TCX_DROP
}

/** The emitted programs. Throws where the translator refuses the rule set. */
export function programs(ruleset: Ruleset, hook: 'netfilter' | 'xdp' | 'tc'): Judge {
  const layout = newLayout([ruleset])
  const translation = translate([ruleset], { lanes: lanesOf(hook, [ruleset.family]), counters: layout })
  if (translation.kind === 'refused') throw new Error(translation.refusals[0]?.reason)
  return loaded(
    translation.programs.map(({ spec }) => spec),
    { ruleset, layout },
    hook,
  )
}

/** The rules that programs stand for, and where these count them. */
export interface Stood {
  readonly ruleset: Ruleset
  readonly layout: CounterLayout
}

/** Programs of a hook choice that were emitted before. */
export function loaded(
  specs: readonly ProgramSpec[],
  { ruleset, layout }: Stood,
  hook: 'netfilter' | 'xdp' | 'tc',
): Judge {
  const counted = countedRules([ruleset])
  let delivered = true
  const world = {
    fibLookup: () => ({ result: delivered ? fibResult.NOT_FWDED : fibResult.SUCCESS }),
  }
  const vm = newVm(specs, { world })
  return {
    judge: arrival => {
      const datagram = datagramOf(arrival, ruleset)
      delivered = arrival.chain === 'INPUT'
      listDevice(vm, arrival.inDevice)
      if (hook !== 'netfilter' && arrival.chain !== 'OUTPUT' && droppedAtIngress(vm, hook, arrival))
        return datagram ? 'drop' : 'none'
      return datagram ? atNetfilter(vm, datagram, arrival) : 'none'
    },
    counters: () =>
      new Map(
        counted.flatMap(({ chain, number }, index) => {
          const { array, index: at } = counterPlace(layout, layout.slots[index] ?? Number.NaN)
          const counters = readCounters(vm, array.name, at)
          return counters.packets === 0n ? [] : [[`${chain} ${number}`, counters]]
        }),
      ),
  }
}

function listDevice(vm: Vm, name: string): void {
  const device = deviceOf(name)
  if (!device) return
  vm.maps.get(interfaceMap.name)?.update(indexKey(device.ifindex), indexKey(judging.ingress))
}

const indexKey = (index: number): Uint8Array => new Uint8Array(Uint32Array.of(index).buffer)

function readCounters(vm: Vm, array: string, index: number): Counters {
  const value = vm.maps.get(array)?.lookup(indexKey(index)) ?? new Uint8Array(16)
  const [packets = 0n, bytes = 0n] = new BigUint64Array(value.slice().buffer)
  return { packets, bytes }
}
