// What address translation may choose from: addresses, and ports of the protocols that have them.

import { RuleError } from '../error.ts'
import type { BuildContext } from '../extension.ts'
import type { Family } from '../family.ts'
import { parseAddress, printAddress } from './address.ts'
import type { AddressRange } from './address-range.ts'
import { cNumber, maximum, type Range } from './number.ts'
import { protocols } from './protocol.ts'
import { servicePort } from './service.ts'

export interface NatPorts extends Range {
  /** The port that is mapped to the first of the range, the next one to the second and so on; else any port may be chosen. */
  readonly base?: number
}

/** Both may be left out, never both together. */
export interface NatRange {
  readonly addresses?: AddressRange
  readonly ports?: NatPorts
}

/** What may stand behind the range of ports as `/base`: a port, or, where the target has no such thing, what then is kept of it. */
export type BaseRule = 'port' | 'zero' | 'none'

const LAST_PORT = maximum(16)

/** `port`, `low-high` or `low-high/base`. Service names are taken for single ports and for the base, of any protocol. */
export function parseNatPorts(text: string, rule: BaseRule): NatPorts {
  const single = cNumber(text) ?? servicePort(text)
  if (single !== undefined) return { low: inPorts(single, text), high: single }
  const [, low = '', high = '', base] = /^([^-/]*)-([^-/]*)(?:\/([^/]*))?$/.exec(text) ?? wrongPort(text)
  const range = { low: portNumber(low), high: portNumber(high) }
  if (range.low > range.high)
    throw new RuleError('ERR_VALUE', `the port range ${low}-${high} ends before it begins`)
  return base === undefined ? range : { ...range, base: readBase(base, rule) }
}

/**
 * SNAT and MASQUERADE take a base but hand it to the kernel as 0, and iptables-save prints that 0 although iptables would not
 * read it; it is read here, so that what is printed can be.
 */
function readBase(text: string, rule: BaseRule): number {
  if (rule === 'none') throw new RuleError('ERR_VALUE', 'this target cannot shift ports by a base')
  const base = inPorts(cNumber(text) ?? servicePort(text) ?? wrongPort(text), text)
  if (rule === 'zero') return 0
  return base === 0 ? wrongPort(text) : base
}

const portNumber = (text: string): number => inPorts(cNumber(text) ?? wrongPort(text), text)

function inPorts(port: number, text: string): number {
  return port <= LAST_PORT ? port : wrongPort(text)
}

function wrongPort(text: string): never {
  throw new RuleError('ERR_VALUE', `"${text}" is not a port`, {
    hint: `ports are 0 to ${LAST_PORT}; write one port, or low-high in numbers`,
  })
}

/** A range of one port with a base is printed as a range, since no iptables would read it otherwise. */
export function printNatPorts({ low, high, base }: NatPorts): string {
  if (base !== undefined) return `${low}-${high}/${base}`
  return low === high ? `${low}` : `${low}-${high}`
}

/** `address`, `low-high`, and behind a colon the ports; IPv6 addresses stand in brackets where ports follow. */
export function parseNatRange(text: string, family: Family, rule: BaseRule): NatRange {
  const { addresses, ports } = split(text, family)
  if (addresses === '' && ports === undefined)
    throw new RuleError('ERR_VALUE', 'there is neither an address nor a port')
  return {
    ...(addresses !== '' && { addresses: readAddresses(addresses, family) }),
    ...(ports !== undefined && { ports: parseNatPorts(ports, rule) }),
  }
}

function split(text: string, family: Family): { addresses: string; ports?: string } {
  const [whole, bracketed, behind] = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? []
  if (whole !== undefined && family === 6)
    return { addresses: bracketed ?? '', ...(behind !== undefined && { ports: behind }) }
  const colon = text.indexOf(':')
  // with two colons it is an IPv6 address without ports
  if (colon < 0 || text.includes(':', colon + 1)) return { addresses: text }
  return { addresses: text.slice(0, colon), ports: text.slice(colon + 1) }
}

/** A range that ends before it begins is taken, as iptables takes it. */
function readAddresses(text: string, family: Family): AddressRange {
  const dash = text.indexOf('-')
  const low = parseAddress(dash < 0 ? text : text.slice(0, dash), family)
  return { family, low, high: dash < 0 ? low : parseAddress(text.slice(dash + 1), family) }
}

export const printNatRange = (range: NatRange): string => printRange(range, printNatPorts)

function printRange({ addresses, ports }: NatRange, printPorts: (ports: NatPorts) => string): string {
  const text = addresses ? printAddresses(addresses) : ''
  if (!ports) return text
  return `${addresses?.family === 6 ? `[${text}]` : text}:${printPorts(ports)}`
}

/** Listings show one port as one, whatever stands behind it. */
export const listNatPorts = ({ low, high, base }: NatPorts): string =>
  printNatPorts({ low, high }) + (base === undefined ? '' : `/${base}`)

/** ` to:1.2.3.4:80` */
export const listNatRange = (range: NatRange): string => ` to:${printRange(range, listNatPorts)}`

const printAddresses = ({ family, low, high }: AddressRange): string =>
  low === high ? printAddress(family, low) : `${printAddress(family, low)}-${printAddress(family, high)}`

const WITH_PORTS: readonly (number | undefined)[] = [
  protocols.tcp,
  protocols.udp,
  protocols.sctp,
  protocols.dccp,
  protocols.icmp,
]

/** Ports need a protocol that has them; iptables takes ICMP's identifier for one, and does not look whether the protocol is negated. */
export function checkNatPorts(ports: NatPorts | undefined, context: BuildContext): void {
  if (ports && !WITH_PORTS.includes(context.protocol ?? context.negatedProtocol))
    throw new RuleError('ERR_OPTION', 'ports need a protocol that has them', {
      hint: 'give -p tcp, udp, sctp or dccp',
    })
}
