import { defineTarget } from '../extension.ts'
import { flag, option } from '../option.ts'
import { listFlag, printFlag } from '../term.ts'
import { checkNatPorts, listNatRange, type NatRange, parseNatRange, printNatRange } from '../value/nat.ts'

export interface DnatTarget {
  readonly kind: 'DNAT'
  readonly to: NatRange
  readonly random: boolean
  /** The same client gets the same address each time. */
  readonly persistent: boolean
}

export const DNAT = defineTarget<DnatTarget>()({
  name: 'DNAT',
  tables: ['nat'],
  chains: ['PREROUTING', 'OUTPUT'],
  options: {
    'to-destination': option((text, { family }) => parseNatRange(text, family, 'port'), { required: true }),
    random: flag(),
    persistent: flag(),
  },
  build({ 'to-destination': given, random, persistent }, context) {
    const to = given?.value ?? {}
    checkNatPorts(to.ports, context)
    return { kind: 'DNAT', to, random: random !== undefined, persistent: persistent !== undefined }
  },
  print: target =>
    ` --to-destination ${printNatRange(target.to)}` +
    printFlag('random', target.random) +
    printFlag('persistent', target.persistent),
  list: target =>
    listNatRange(target.to) + listFlag('random', target.random) + listFlag('persistent', target.persistent),
})
