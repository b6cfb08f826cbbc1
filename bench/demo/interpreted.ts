// Packets through the emitted bytecode in the bundled interpreter, without a kernel.

import type { Ruleset } from 'iptables-parser'
import { type CounterLayout, countedRules, counterPlace, newLayout } from '../../translator/counter.ts'
import { lanesOf } from '../../translator/lane.ts'
import { translate } from '../../translator/translate.ts'
import { newVm, type Vm } from '../../translator/vm/vm.ts'
import { ETHERNET_BYTES, type Flow, frameOf } from '../frame.ts'
import { type Counts, countKey, DEVICE } from './expected.ts'
import type { Kind } from './traffic.ts'

/** Programs that packets can be run through. */
export interface Interpreted {
  readonly accepts: (flow: Flow, state: Kind['state']) => boolean
  /** What every rule and policy has counted so far. */
  readonly counts: () => Counts
}

const NF_ACCEPT = 1
const NF_INET_LOCAL_IN = 1
const protocolFamily = { 4: 2, 6: 10 } as const
/** `enum ip_conntrack_info`: IP_CT_NEW. A packet that conntrack takes for invalid has none. */
const IP_CT_NEW = 2

export function interpret(rulesets: readonly Ruleset[]): Interpreted {
  const counters = newLayout(rulesets)
  const lanes = lanesOf(
    'netfilter',
    rulesets.map(({ family }) => family),
  )
  const translation = translate(rulesets, { lanes, counters })
  if (translation.kind === 'refused')
    throw new Error(translation.refusals.map(({ reason }) => reason).join('\n'))
  const vm = newVm(translation.programs.map(({ spec }) => spec))
  const names = new Map(
    translation.programs.flatMap(({ lane, spec }) =>
      lane.hook === 'nf-input' ? [[lane.family, spec.name] as const] : [],
    ),
  )
  return {
    accepts: (flow, state) =>
      vm.run(names.get(flow.family) ?? '', {
        kind: 'netfilter',
        packet: frameOf(flow).subarray(ETHERNET_BYTES),
        hook: NF_INET_LOCAL_IN,
        pf: protocolFamily[flow.family],
        in: { name: DEVICE, ifindex: 2 },
        ...(state === 'NEW' && { conntrack: { info: IP_CT_NEW, status: 0 } }),
      }).verdict === NF_ACCEPT,
    counts: () => readCounts(vm, rulesets, counters),
  }
}

function readCounts(vm: Vm, rulesets: readonly Ruleset[], counters: CounterLayout): Counts {
  return new Map(
    countedRules(rulesets).flatMap(({ family, chain, number }, index) => {
      const { array, index: slot } = counterPlace(counters, counters.slots[index] ?? Number.NaN)
      const value = vm.maps.get(array.name)?.lookup(new Uint8Array(new Uint32Array([slot]).buffer))
      if (!value) return []
      const packets = new DataView(value.buffer, value.byteOffset).getBigUint64(0, true)
      return [[countKey(family, chain, number), Number(packets)] as const]
    }),
  )
}
