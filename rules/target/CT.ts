import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import { flag, type OptionUse, option } from '../option.ts'
import { listFlag, listValue, printFlag, printValue } from '../term.ts'
import { parseName, printName } from '../value/name.ts'
import { maximum, parseNumber } from '../value/number.ts'

/** In the order iptables-save prints them. */
const EVENTS = [
  'new',
  'related',
  'destroy',
  'reply',
  'assured',
  'protoinfo',
  'helper',
  'mark',
  'natseqinfo',
  'secmark',
] as const
export type ConntrackEvent = (typeof EVENTS)[number]

/** Which connections are told apart from all others; never 0, which is where they are without a rule. */
export interface ConntrackZone {
  /** `mark`: the packet's mark. */
  readonly id: number | 'mark'
  /** The direction it is for; absent: both. */
  readonly direction?: 'orig' | 'reply'
}

export interface CtTarget {
  readonly kind: 'CT'
  /** Connection tracking leaves the packet alone. */
  readonly notrack: boolean
  readonly helper?: string
  /** The name of a timeout policy. */
  readonly timeout?: string
  readonly events?: readonly ConntrackEvent[]
  readonly expectationEvents?: readonly 'new'[]
  readonly zone?: ConntrackZone
}

/** Sizes of the kernel's fields, with their NUL. */
const HELPER_SIZE = 16
const TIMEOUT_SIZE = 32

function parseEvents<E extends string>(text: string, known: readonly E[]): E[] {
  const words = text.split(',')
  const unknown = words.find(word => !known.some(event => event === word))
  if (unknown !== undefined)
    throw new RuleError('ERR_VALUE', `"${unknown}" is not an event`, {
      hint: `events are ${known.join(', ')}`,
    })
  return known.filter(event => words.includes(event))
}

const zone = option((text): number | 'mark' =>
  text.toLowerCase() === 'mark' ? 'mark' : parseNumber(text, 0, maximum(16), 'conntrack zone'),
)

export const CT = defineTarget<CtTarget>()({
  name: 'CT',
  tables: ['raw'],
  options: {
    notrack: flag(),
    helper: option(text => parseName(text, HELPER_SIZE, 'helper')),
    timeout: option(text => parseName(text, TIMEOUT_SIZE, 'timeout policy')),
    ctevents: option(text => parseEvents(text, EVENTS)),
    expevents: option(text => parseEvents(text, ['new'])),
    zone,
    'zone-orig': zone,
    'zone-reply': zone,
  },
  build(given, { uses }) {
    const rest = {
      helper: given.helper?.value,
      timeout: given.timeout?.value,
      events: given.ctevents?.value,
      expectationEvents: given.expevents?.value,
      zone: readZone(uses),
    }
    return { kind: 'CT', notrack: given.notrack !== undefined, ...defined(rest) }
  },
  // the kernel looks helpers and timeouts up by protocol, and only where it tracks
  placementOf: ({ notrack, helper, timeout }) =>
    notrack || (helper === undefined && timeout === undefined) ? {} : { protocols: 'any' },
  print: target =>
    printFlag('notrack', target.notrack) +
    printValue('helper', target.helper, printName) +
    printValue('timeout', target.timeout, printName) +
    printValue('ctevents', target.events, events => events.join(',')) +
    printValue('expevents', target.expectationEvents, events => events.join(',')) +
    printValue(zoneOption(target), target.zone?.id),
  list: target =>
    ' CT' +
    listFlag('notrack', target.notrack) +
    listValue('helper', target.helper) +
    listValue('timeout', target.timeout) +
    listValue('ctevents', target.events, events => events.join(',')) +
    listValue('expevents', target.expectationEvents, events => events.join(',')) +
    listValue(zoneOption(target), target.zone?.id),
})

const zoneOption = ({ zone: given }: CtTarget): string =>
  `zone${given?.direction ? `-${given.direction}` : ''}`

/** iptables has one field for the zone and adds up the directions: the last number counts, and `mark` goes before all. */
function readZone(uses: readonly OptionUse[]): ConntrackZone | undefined {
  const zones = uses.filter(use => use.name.startsWith('zone'))
  const id = zones.some(use => use.value === 'mark') ? 'mark' : zones.at(-1)?.value
  if (id !== 'mark' && (typeof id !== 'number' || id === 0)) return undefined
  const has = (name: string): boolean => zones.some(use => use.name === name)
  if (has('zone-orig') === has('zone-reply')) return { id }
  return { id, direction: has('zone-orig') ? 'orig' : 'reply' }
}
