import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineMatch } from '../extension.ts'
import { flag, option } from '../option.ts'
import type { BridgePorts } from '../packet.ts'
import { agrees, asTerm, printTerm, type Term } from '../term.ts'
import {
  type InterfacePattern,
  interfaceMatches,
  parseInterface,
  printInterface,
} from '../value/interface.ts'

/** The ports of a bridge that a packet came in and goes out by. */
export interface PhysdevMatch {
  readonly kind: 'physdev'
  readonly in?: Term<InterfacePattern>
  readonly out?: Term<InterfacePattern>
  /** It came in by a bridge port. */
  readonly isIn?: Term<true>
  /** It goes out by a bridge port. */
  readonly isOut?: Term<true>
  /** It is bridged, not routed. */
  readonly isBridged?: Term<true>
}

const device = option(
  text => {
    if (text === '') throw new RuleError('ERR_VALUE', 'the bridge port has no name')
    return parseInterface(text)
  },
  { negatable: true },
)
const is = flag({ negatable: true })

export const physdev = defineMatch<PhysdevMatch>()({
  name: 'physdev',
  options: {
    'physdev-in': device,
    'physdev-out': device,
    'physdev-is-in': is,
    'physdev-is-out': is,
    'physdev-is-bridged': is,
  },
  requiresOneOf: ['physdev-in', 'physdev-out', 'physdev-is-in', 'physdev-is-out', 'physdev-is-bridged'],
  /** In OUTPUT the port a packet leaves by is not known yet, unless it must be a bridged one. */
  placementOf: ({ out, isOut, isBridged }) =>
    (out || isOut) && isBridged?.negated !== false
      ? { chains: ['PREROUTING', 'INPUT', 'FORWARD', 'POSTROUTING'] }
      : {},
  build: given => ({
    kind: 'physdev',
    ...defined({
      in: asTerm(given['physdev-in']),
      out: asTerm(given['physdev-out']),
      isIn: asTerm(given['physdev-is-in']),
      isOut: asTerm(given['physdev-is-out']),
      isBridged: asTerm(given['physdev-is-bridged']),
    }),
  }),
  print,
  list: match => ` PHYSDEV match${print(match)}`,
  evaluate: (match, packet) => portsAgree(match, packet.bridge),
})

function print(match: PhysdevMatch): string {
  return (
    printFlag('physdev-is-in', match.isIn) +
    printTerm('physdev-in', match.in, printInterface) +
    printFlag('physdev-is-out', match.isOut) +
    printTerm('physdev-out', match.out, printInterface) +
    printFlag('physdev-is-bridged', match.isBridged)
  )
}

const printFlag = (name: string, given: Term<true> | undefined): string =>
  given ? `${given.negated ? ' !' : ''} --${name}` : ''

/** A port that is not there fits or does not, whether negated or not. */
const agreesAbout = (
  asked: Term<InterfacePattern> | undefined,
  port: string | undefined,
  fitting: boolean,
): boolean =>
  !asked || (port === undefined ? fitting : agrees(asked, pattern => interfaceMatches(pattern, port)))

/** net/netfilter/xt_physdev.c: of a packet that no bridge has seen all that is asked must be negated. */
function portsAgree(match: PhysdevMatch, ports: BridgePorts | undefined): boolean {
  const asked = [match.in, match.out, match.isIn, match.isOut, match.isBridged]
  if (!ports) return asked.every(term => !term || term.negated)
  return (
    agrees(match.isBridged, () => ports.out !== undefined) &&
    agrees(match.isIn, () => ports.in !== undefined) &&
    agrees(match.isOut, () => ports.out !== undefined) &&
    agreesAbout(match.in, ports.in, true) &&
    agreesAbout(match.out, ports.out, false)
  )
}
