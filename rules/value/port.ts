import { RuleError } from '../error.ts'
import type { ValueContext } from '../option.ts'
import { asTerm, type Term } from '../term.ts'
import { cNumber, maximum, type Range } from './number.ts'
import { servicePort } from './service.ts'

const LAST_PORT = maximum(16)

/** A port by number or service name. */
export function parsePort(text: string, context: ValueContext): number {
  const port = cNumber(text) ?? servicePort(text, context.protocol)
  if (port === undefined) throw new RuleError('ERR_VALUE', `"${text}" is neither a port nor a known service`)
  if (port > LAST_PORT) throw new RuleError('ERR_VALUE', `the port ${text} is not between 0 and ${LAST_PORT}`)
  return port
}

/** `port`, `low:high`, `low:` or `:high`. */
export function parsePortRange(text: string, context: ValueContext): Range {
  const colon = text.indexOf(':')
  if (colon < 0) {
    const port = parsePort(text, context)
    return { low: port, high: port }
  }
  const [from, to] = [text.slice(0, colon), text.slice(colon + 1)]
  const low = from === '' ? 0 : parsePort(from, context)
  const high = to === '' ? LAST_PORT : parsePort(to, context)
  if (low > high) throw new RuleError('ERR_VALUE', `the port range ${text} ends before it begins`)
  return { low, high }
}

export const printPortRange = ({ low, high }: Range): string => (low === high ? `${low}` : `${low}:${high}`)

/** A range given as an option. All ports together ask nothing, so they are no term unless negated. */
export function portTerm(given: Term<Range> | undefined): Term<Range> | undefined {
  const asksNothing = given && !given.negated && given.value.low === 0 && given.value.high === LAST_PORT
  return asksNothing ? undefined : asTerm(given)
}
