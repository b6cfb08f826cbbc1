import { RuleError } from '../error.ts'
import { hex } from './mark.ts'
import { maximum, parseNumber, type Range } from './number.ts'

export type U32Operator = '&' | '<<' | '>>' | '@'

/** Which 32 bits of a packet to look at. */
export interface U32Location {
  /** Byte they begin at, counted from the network header. */
  readonly start: number
  /** What is done to them in turn; `@` reads anew, so many bytes behind where the value so far points to. */
  readonly steps: readonly { readonly operator: U32Operator; readonly number: number }[]
}

/** The bits lie in one of the ranges. */
export interface U32Test {
  readonly location: U32Location
  readonly values: readonly Range[]
}

/** XT_U32_MAXSIZE, less one: so many tests, numbers of a location, and values of a test. */
const MOST = 10
const LAST_SHIFT = 31

/** `location=values[&&location=values…]`, as `6&0xff=6,17 && 0>>22&0x3c@0=0:1023`. */
export function parseU32(text: string): U32Test[] {
  return atMost('tests', text.split('&&').map(parseTest))
}

function parseTest(text: string): U32Test {
  const [location = '', values, ...rest] = text.split('=')
  if (values === undefined || rest.length > 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not a test`, { hint: 'write location=values' })
  return { location: parseLocation(location), values: atMost('values', values.split(',').map(parseValues)) }
}

function parseLocation(text: string): U32Location {
  const [start = '', ...parts] = text.split(/(&|<<|>>|@)/)
  const steps = pairs(parts)
  atMost('numbers', [start, ...steps])
  return {
    start: number(start),
    steps: steps.map(([operator, operand]) => ({
      operator,
      number: operator === '<<' || operator === '>>' ? number(operand, LAST_SHIFT) : number(operand),
    })),
  }
}

/** Operators and operands by turns. */
function pairs(parts: readonly string[]): [U32Operator, string][] {
  const found: [U32Operator, string][] = []
  for (let at = 0; at < parts.length; at += 2) found.push([parts[at] as U32Operator, parts[at + 1] ?? ''])
  return found
}

function parseValues(text: string): Range {
  const [low = '', high = low, ...rest] = text.split(':')
  if (rest.length > 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not a range`, { hint: 'write low:high' })
  return { low: number(low), high: number(high) }
}

const number = (text: string, last = maximum(32)): number => parseNumber(text.trim(), 0, last)

function atMost<T>(what: string, list: T[]): T[] {
  if (list.length <= MOST) return list
  throw new RuleError('ERR_VALUE', `${list.length} ${what} are too many`, { hint: `at most ${MOST}` })
}

export const printU32 = (tests: readonly U32Test[]): string => tests.map(printTest).join('&&')

function printTest({ location, values }: U32Test): string {
  const steps = location.steps.map(step => `${step.operator}${hex(step.number)}`).join('')
  const ranges = values.map(({ low, high }) => (low === high ? hex(low) : `${hex(low)}:${hex(high)}`))
  return `${hex(location.start)}${steps}=${ranges.join(',')}`
}
