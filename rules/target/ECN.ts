import { defined } from '../defined.ts'
import { defineTarget } from '../extension.ts'
import { flag, option } from '../option.ts'
import { printValue } from '../term.ts'
import { parseNumber } from '../value/number.ts'
import { protocols } from '../value/protocol.ts'

/** Sets the bits of explicit congestion notification (RFC 3168); what is left out stays. */
export interface EcnTarget {
  readonly kind: 'ECN'
  /** TCP's ECE flag. */
  readonly ece?: number
  /** TCP's CWR flag. */
  readonly cwr?: number
  /** The lower two bits of the type-of-service byte. */
  readonly ect?: number
}

const bit = option(text => parseNumber(text, 0, 1, 'bit'), { excludes: ['ecn-tcp-remove'] })

export const ECN = defineTarget<EcnTarget>()({
  name: 'ECN',
  families: [4],
  tables: ['mangle'],
  options: {
    'ecn-tcp-remove': flag({ excludes: ['ecn-tcp-cwr', 'ecn-tcp-ece'] }),
    'ecn-tcp-cwr': bit,
    'ecn-tcp-ece': bit,
    'ecn-ip-ect': option(text => parseNumber(text, 0, 3, 'ECN codepoint')),
  },
  requiresOneOf: ['ecn-tcp-remove', 'ecn-tcp-cwr', 'ecn-tcp-ece', 'ecn-ip-ect'],
  build(given) {
    const ect = given['ecn-ip-ect']?.value
    const tcp = given['ecn-tcp-remove']
      ? { ece: 0, cwr: 0 }
      : { ece: given['ecn-tcp-ece']?.value, cwr: given['ecn-tcp-cwr']?.value }
    return { kind: 'ECN', ...defined({ ...tcp, ect }) }
  },
  placementOf: ({ ece, cwr }) =>
    ece === undefined && cwr === undefined ? {} : { protocols: [protocols.tcp] },
  print: ({ ece, cwr, ect }) =>
    ece === 0 && cwr === 0 && ect === undefined
      ? ' --ecn-tcp-remove'
      : printValue('ecn-tcp-ece', ece) + printValue('ecn-tcp-cwr', cwr) + printValue('ecn-ip-ect', ect),
  list: ({ ece, cwr, ect }) =>
    ece === 0 && cwr === 0 && ect === undefined
      ? ' ECN TCP remove'
      : ` ECN${listBit('ECE', ece)}${listBit('CWR', cwr)}${listBit('ECT codepoint', ect)}`,
})

const listBit = (name: string, value: number | undefined): string =>
  value === undefined ? '' : ` ${name}=${value}`
