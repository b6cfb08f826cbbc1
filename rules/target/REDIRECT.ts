import { defined } from '../defined.ts'
import { defineTarget } from '../extension.ts'
import { flag, option } from '../option.ts'
import { listFlag, listValue, printFlag, printValue } from '../term.ts'
import { checkNatPorts, listNatPorts, type NatPorts, parseNatPorts, printNatPorts } from '../value/nat.ts'

/** Translates the destination to this machine. */
export interface RedirectTarget {
  readonly kind: 'REDIRECT'
  readonly ports?: NatPorts
  readonly random: boolean
}

export const REDIRECT = defineTarget<RedirectTarget>()({
  name: 'REDIRECT',
  tables: ['nat'],
  chains: ['PREROUTING', 'OUTPUT'],
  options: { 'to-ports': option(text => parseNatPorts(text, 'none')), random: flag() },
  build(given, context) {
    const ports = given['to-ports']?.value
    checkNatPorts(ports, context)
    return { kind: 'REDIRECT', ...defined({ ports }), random: given.random !== undefined }
  },
  print: target => printValue('to-ports', target.ports, printNatPorts) + printFlag('random', target.random),
  list: target => listValue('redir ports', target.ports, listNatPorts) + listFlag('random', target.random),
})
