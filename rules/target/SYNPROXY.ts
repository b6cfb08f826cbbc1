import { defined } from '../defined.ts'
import { defineTarget } from '../extension.ts'
import { flag, option } from '../option.ts'
import { listFlag, listValue, printFlag, printValue } from '../term.ts'
import { maximum, parseNumber } from '../value/number.ts'
import { protocols } from '../value/protocol.ts'

/** Answers connection attempts in the server's place; the options are those of TCP that the server would offer. */
export interface SynproxyTarget {
  readonly kind: 'SYNPROXY'
  readonly sackPermitted: boolean
  readonly timestamp: boolean
  readonly windowScale?: number
  readonly mss?: number
  readonly ecn: boolean
}

/** Larger numbers, which iptables cuts to the width of its fields, are refused. */
const number = (bits: number) => option(text => parseNumber(text, 0, maximum(bits), 'number'))

export const SYNPROXY = defineTarget<SynproxyTarget>()({
  name: 'SYNPROXY',
  chains: ['INPUT', 'FORWARD'],
  protocols: [protocols.tcp],
  options: {
    'sack-perm': flag(),
    timestamp: flag(),
    wscale: number(8),
    mss: number(16),
    ecn: flag(),
  },
  build: given => ({
    kind: 'SYNPROXY',
    sackPermitted: given['sack-perm'] !== undefined,
    timestamp: given.timestamp !== undefined,
    ...defined({ windowScale: given.wscale?.value, mss: given.mss?.value }),
    ecn: given.ecn !== undefined,
  }),
  print: target =>
    printFlag('sack-perm', target.sackPermitted) +
    printFlag('timestamp', target.timestamp) +
    printValue('wscale', target.windowScale) +
    printValue('mss', target.mss) +
    printFlag('ecn', target.ecn),
  list: target =>
    ' SYNPROXY' +
    listFlag('sack-perm', target.sackPermitted) +
    listFlag('timestamp', target.timestamp) +
    listValue('wscale', target.windowScale) +
    listValue('mss', target.mss) +
    listFlag('ecn', target.ecn) +
    ' ',
})
