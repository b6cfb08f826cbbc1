import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import { option } from '../option.ts'
import { cNumber, maximum } from '../value/number.ts'
import { protocols } from '../value/protocol.ts'

/** Blanks out options of TCP. */
export interface TcpoptstripTarget {
  readonly kind: 'TCPOPTSTRIP'
  /** Their numbers, ascending. */
  readonly options: readonly number[]
}

/** RFC 9293, 7323, 2018, 2385. */
const NAMES: Readonly<Record<string, number>> = {
  mss: 2,
  wscale: 3,
  'sack-permitted': 4,
  sack: 5,
  timestamp: 8,
  md5: 19,
}
/** 0 ends the options and 1 fills gaps between them. */
const FIRST = 2

function parseOptions(text: string): number[] {
  const numbers = text.split(',').map(word => {
    const number = NAMES[word] ?? cNumber(word)
    if (number === undefined || number < FIRST || number > maximum(8))
      throw new RuleError('ERR_VALUE', `"${word}" is not a TCP option that can be stripped`, {
        hint: `options are ${FIRST} to ${maximum(8)}, ${Object.keys(NAMES).join(', ')}`,
      })
    return number
  })
  const twice = numbers.find((number, index) => numbers.indexOf(number) !== index)
  if (twice !== undefined) throw new RuleError('ERR_VALUE', `the TCP option ${twice} is given twice`)
  return numbers.sort((a, b) => a - b)
}

export const TCPOPTSTRIP = defineTarget<TcpoptstripTarget>()({
  name: 'TCPOPTSTRIP',
  tables: ['mangle'],
  protocols: [protocols.tcp],
  options: { 'strip-options': option(parseOptions) },
  build: given => ({ kind: 'TCPOPTSTRIP', options: given['strip-options']?.value ?? [] }),
  print: ({ options }) => (options.length === 0 ? '' : ` --strip-options ${options.join(',')}`),
  list: ({ options }, { numeric }) =>
    options.length === 0 ? '' : ` TCPOPTSTRIP options ${(numeric ? options : options.map(nameOf)).join(',')}`,
})

const nameOf = (number: number): string =>
  Object.keys(NAMES).find(name => NAMES[name] === number) ?? `${number}`
