import { defined } from '../defined.ts'
import { defineTarget } from '../extension.ts'
import { flag, type OptionUse, option } from '../option.ts'
import { listValue, printValue } from '../term.ts'
import { hex } from '../value/mark.ts'
import { listMarkChange, type MarkChange, markChanges, printMarkChange } from '../value/mark-change.ts'
import { maximum, parseNumber } from '../value/number.ts'

/** Changes the connection's mark. */
export interface SetConnectionMark {
  readonly kind: 'set'
  readonly change: MarkChange
}

/** Copies bits: `save` from the packet's mark to the connection's, `restore` the other way. */
export interface CopyConnectionMark {
  readonly kind: 'save' | 'restore'
  readonly packetMask: number
  readonly connectionMask: number
}

export interface MarkShift {
  readonly direction: 'left' | 'right'
  readonly bits: number
}

export interface ConnmarkTarget {
  readonly kind: 'CONNMARK'
  readonly operation: SetConnectionMark | CopyConnectionMark
  /** Of what is set, saved or restored. */
  readonly shift?: MarkShift
}

const ALL = maximum(32)
const OPERATIONS = [
  'set-xmark',
  'save-mark',
  'restore-mark',
  'set-mark',
  'and-mark',
  'or-mark',
  'xor-mark',
] as const
type OperationName = (typeof OPERATIONS)[number]

const excludes = (name: OperationName) => ({ excludes: OPERATIONS.filter(other => other !== name) })
const change = (name: keyof typeof markChanges) => option(markChanges[name], excludes(name))
const mask = (...others: readonly string[]) =>
  option(text => parseNumber(text, 0, ALL, 'mark mask'), { excludes: others })
/** The kernel takes less than its 32 bits. */
const shift = option(text => parseNumber(text, 0, 31, 'number of bits to shift'))

export const CONNMARK = defineTarget<ConnmarkTarget>()({
  name: 'CONNMARK',
  options: {
    'set-xmark': change('set-xmark'),
    'save-mark': flag(excludes('save-mark')),
    'restore-mark': flag(excludes('restore-mark')),
    'set-mark': change('set-mark'),
    'and-mark': change('and-mark'),
    'or-mark': change('or-mark'),
    'xor-mark': change('xor-mark'),
    nfmask: mask('mask'),
    ctmask: mask('mask'),
    mask: mask('nfmask', 'ctmask'),
    'left-shift-mark': shift,
    'right-shift-mark': shift,
  },
  requiresOneOf: OPERATIONS,
  build(given, { uses }) {
    const change = OPERATIONS.map(name => given[name]?.value).find(isChange)
    const operation = change
      ? { kind: 'set' as const, change: withLaterMask(change, uses) }
      : {
          kind: given['save-mark'] ? ('save' as const) : ('restore' as const),
          packetMask: (given.nfmask ?? given.mask)?.value ?? ALL,
          connectionMask: (given.ctmask ?? given.mask)?.value ?? ALL,
        }
    return { kind: 'CONNMARK', operation, ...defined({ shift: readShift(uses) }) }
  },
  print: ({ operation, shift }) =>
    printOperation(operation) + printValue(`${shift?.direction}-shift-mark`, shift?.bits),
  list: ({ operation, shift }) =>
    (operation.kind === 'set' ? listMarkChange('CONNMARK', operation.change) : listCopy(operation)) +
    listValue(`${shift?.direction}-shift-mark`, shift?.bits),
})

const isChange = (value: MarkChange | true | undefined): value is MarkChange => typeof value === 'object'

/** iptables has one field for the mask of a change and --ctmask: whichever comes later is in it. */
function withLaterMask(change: MarkChange, uses: readonly OptionUse[]): MarkChange {
  const at = uses.findIndex(use => use.name in markChanges)
  const later = uses.slice(at).find(use => use.name === 'ctmask' || use.name === 'mask')
  return typeof later?.value === 'number' ? { value: change.value, mask: later.value } : change
}

/** The last one counts; one by no bits is none. */
function readShift(uses: readonly OptionUse[]): MarkShift | undefined {
  const last = uses.findLast(use => use.name.endsWith('-shift-mark'))
  if (typeof last?.value !== 'number' || last.value === 0) return undefined
  return { direction: last.name === 'left-shift-mark' ? 'left' : 'right', bits: last.value }
}

const printOperation = (operation: ConnmarkTarget['operation']): string =>
  operation.kind === 'set'
    ? ` --set-xmark ${printMarkChange(operation.change)}`
    : ` --${operation.kind}-mark --nfmask ${hex(operation.packetMask)} --ctmask ${hex(operation.connectionMask)}`

/** The mask of what is written comes first; that of what is kept of it, inverted, behind. */
function listCopy({ kind, packetMask, connectionMask }: CopyConnectionMark): string {
  if (packetMask === ALL && connectionMask === ALL) return ` CONNMARK ${kind}`
  if (packetMask === connectionMask) return ` CONNMARK ${kind} mask ${hex(packetMask)}`
  return kind === 'save'
    ? ` CONNMARK save nfmask ${hex(packetMask)} ctmask ~${hex(connectionMask)}`
    : ` CONNMARK restore ctmask ${hex(connectionMask)} nfmask ~${hex(packetMask)}`
}
