import { defined } from '../defined.ts'
import { defineTarget } from '../extension.ts'
import { flag, option } from '../option.ts'
import { listFlag, listValue, printFlag, printValue } from '../term.ts'
import { checkNatPorts, listNatPorts, type NatPorts, parseNatPorts, printNatPorts } from '../value/nat.ts'

/** Translates the source to the address of the device a packet leaves by. */
export interface MasqueradeTarget {
  readonly kind: 'MASQUERADE'
  readonly ports?: NatPorts
  readonly random: boolean
  readonly randomFully: boolean
}

export const MASQUERADE = defineTarget<MasqueradeTarget>()({
  name: 'MASQUERADE',
  tables: ['nat'],
  chains: ['POSTROUTING'],
  options: {
    'to-ports': option(text => parseNatPorts(text, 'zero')),
    random: flag(),
    'random-fully': flag(),
  },
  build(given, context) {
    const ports = given['to-ports']?.value
    checkNatPorts(ports, context)
    const random = given.random !== undefined
    return {
      kind: 'MASQUERADE',
      ...defined({ ports }),
      random,
      randomFully: given['random-fully'] !== undefined,
    }
  },
  print: target =>
    printValue('to-ports', target.ports, printNatPorts) +
    printFlag('random', target.random) +
    printFlag('random-fully', target.randomFully),
  list: target =>
    listValue('masq ports:', target.ports, listNatPorts) +
    listFlag('random', target.random) +
    listFlag('random-fully', target.randomFully),
})
