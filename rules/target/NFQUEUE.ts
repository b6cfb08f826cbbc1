import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import { flag, option } from '../option.ts'
import { listFlag, printFlag } from '../term.ts'
import { maximum, parseNumber, type Range } from '../value/number.ts'

/** Leaves the verdict to a program. */
export interface NfqueueTarget {
  readonly kind: 'NFQUEUE'
  /** Flows are spread over these. */
  readonly queues: Range
  /** Where no program listens, the packet goes on to the next rule. */
  readonly bypass: boolean
  /** Packets are spread by CPU, not by flow. */
  readonly cpuFanout: boolean
}

const LAST_QUEUE = maximum(16)
const queue = (text: string): number => parseNumber(text, 0, LAST_QUEUE, 'queue')

function parseQueues(text: string): Range {
  const [from, to, ...rest] = text.split(':')
  if (from === undefined || to === undefined || rest.length > 0)
    throw new RuleError('ERR_VALUE', `"${text}" is not a range of queues`, { hint: 'write first:last' })
  const range = { low: from === '' ? 0 : queue(from), high: to === '' ? LAST_QUEUE : queue(to) }
  if (range.low >= range.high)
    throw new RuleError('ERR_VALUE', `the queues ${text} are not several`, {
      hint: 'one queue is --queue-num',
    })
  if (range.high - range.low >= LAST_QUEUE)
    throw new RuleError('ERR_VALUE', `the queues ${text} are too many`, { hint: `at most ${LAST_QUEUE}` })
  return range
}

export const NFQUEUE = defineTarget<NfqueueTarget>()({
  name: 'NFQUEUE',
  options: {
    'queue-num': option(
      (text): Range => {
        const number = queue(text)
        return { low: number, high: number }
      },
      { excludes: ['queue-balance'] },
    ),
    'queue-balance': option(parseQueues, { excludes: ['queue-num'] }),
    'queue-bypass': flag(),
    'queue-cpu-fanout': flag(),
  },
  build(given) {
    const cpuFanout = given['queue-cpu-fanout']
    if (cpuFanout && !given['queue-balance'])
      throw new RuleError('ERR_OPTION', '--queue-cpu-fanout needs --queue-balance', { span: cpuFanout.span })
    const queues = (given['queue-balance'] ?? given['queue-num'])?.value ?? { low: 0, high: 0 }
    const bypass = given['queue-bypass'] !== undefined
    return { kind: 'NFQUEUE', queues, bypass, cpuFanout: cpuFanout !== undefined }
  },
  print: ({ queues: { low, high }, bypass, cpuFanout }) =>
    (low === high ? ` --queue-num ${low}` : ` --queue-balance ${low}:${high}`) +
    printFlag('queue-bypass', bypass) +
    printFlag('queue-cpu-fanout', cpuFanout),
  list: ({ queues: { low, high }, bypass, cpuFanout }) =>
    (low === high ? ` NFQUEUE num ${low}` : ` NFQUEUE balance ${low}:${high}`) +
    listFlag('bypass', bypass) +
    listFlag('cpu-fanout', cpuFanout),
})
