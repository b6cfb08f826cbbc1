import { RuleError } from '../error.ts'
import type { ListContext } from '../extension.ts'
import type { ValueContext } from '../option.ts'
import { bang, type Term } from '../term.ts'
import { cNumber, maximum, type Range } from './number.ts'
import { protocols } from './protocol.ts'
import { rangeTerm } from './range.ts'
import { serviceName, servicePort } from './service.ts'

export const LAST_PORT = maximum(16)

type PortParser = (text: string, context: ValueContext) => number

/** A port by number, in C's notation, or by the name of a service that the rule's protocol has. */
export const parsePort: PortParser = (text, { protocol }) =>
  checkPort(text, cNumber(text) ?? servicePort(text, protocol))

/** A port by decimal number or by the name of any transport protocol's service, as most matches but tcp read it. */
export const parseAnyPort: PortParser = text => {
  const [digits] = /^\d+$/.exec(text.replace(/^[ \t]*\+?/, '')) ?? []
  return checkPort(text, digits === undefined ? anyService(text) : Number(digits))
}

const anyService = (name: string): number | undefined =>
  [protocols.tcp, protocols.udp, protocols.dccp, protocols.sctp]
    .map(protocol => servicePort(name, protocol))
    .find(port => port !== undefined)

function checkPort(text: string, port: number | undefined): number {
  if (port === undefined) throw new RuleError('ERR_VALUE', `"${text}" is neither a port nor a known service`)
  if (port > LAST_PORT) throw new RuleError('ERR_VALUE', `the port ${text} is not between 0 and ${LAST_PORT}`)
  return port
}

const portRangeParser =
  (parse: PortParser) =>
  (text: string, context: ValueContext): Range => {
    const colon = text.indexOf(':')
    if (colon < 0) {
      const port = parse(text, context)
      return { low: port, high: port }
    }
    const [from, to] = [text.slice(0, colon), text.slice(colon + 1)]
    const low = from === '' ? 0 : parse(from, context)
    const high = to === '' ? LAST_PORT : parse(to, context)
    if (low > high) throw new RuleError('ERR_VALUE', `the port range ${text} ends before it begins`)
    return { low, high }
  }

/** `port`, `low:high`, `low:` or `:high`. */
export const parsePortRange = portRangeParser(parsePort)

/** As parsePortRange, but each port by decimal number or any service name. */
export const parseAnyPortRange = portRangeParser(parseAnyPort)

export const printPortRange = ({ low, high }: Range): string => (low === high ? `${low}` : `${low}:${high}`)

/** A range given as an option. */
export const portTerm = (given: Term<Range> | undefined): Term<Range> | undefined =>
  rangeTerm(given, LAST_PORT)

/** A port by the name of its service, unless numbers are wanted. */
export const listPort = (port: number, { numeric, protocol }: ListContext): string =>
  (numeric ? undefined : serviceName(port, protocol)) ?? `${port}`

export const listPorts = ({ low, high }: Range, context: ListContext): string =>
  low === high ? listPort(low, context) : `${listPort(low, context)}:${listPort(high, context)}`

/** ` spt:22` or ` spts:1:22`, under the name it is given; '' where nothing is asked. */
export function listPortTerm(name: string, given: Term<Range> | undefined, context: ListContext): string {
  if (!given) return ''
  const { low, high } = given.value
  return ` ${name}${low === high ? '' : 's'}:${bang(given)}${listPorts(given.value, context)}`
}
