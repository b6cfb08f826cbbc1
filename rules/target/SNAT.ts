import { defineTarget } from '../extension.ts'
import { flag, option } from '../option.ts'
import { listFlag, printFlag } from '../term.ts'
import { checkNatPorts, listNatRange, type NatRange, parseNatRange, printNatRange } from '../value/nat.ts'

export interface SnatTarget {
  readonly kind: 'SNAT'
  readonly to: NatRange
  readonly random: boolean
  readonly randomFully: boolean
  /** The same client gets the same address each time. */
  readonly persistent: boolean
}

export const SNAT = defineTarget<SnatTarget>()({
  name: 'SNAT',
  tables: ['nat'],
  chains: ['POSTROUTING', 'INPUT'],
  options: {
    'to-source': option((text, { family }) => parseNatRange(text, family, 'zero'), { required: true }),
    random: flag(),
    'random-fully': flag(),
    persistent: flag(),
  },
  build(given, context) {
    const to = given['to-source']?.value ?? {}
    checkNatPorts(to.ports, context)
    return {
      kind: 'SNAT',
      to,
      random: given.random !== undefined,
      randomFully: given['random-fully'] !== undefined,
      persistent: given.persistent !== undefined,
    }
  },
  print: target =>
    ` --to-source ${printNatRange(target.to)}` +
    printFlag('random', target.random) +
    printFlag('random-fully', target.randomFully) +
    printFlag('persistent', target.persistent),
  list: target =>
    listNatRange(target.to) +
    listFlag('random', target.random) +
    listFlag('random-fully', target.randomFully) +
    listFlag('persistent', target.persistent),
})
