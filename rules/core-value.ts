// The values of a rule's own options, with iptables' own words for what is wrong with them.

import type { CoreUse, Draft } from './draft.ts'
import { RuleError, refused } from './error.ts'
import type { Family } from './family.ts'
import type { Rule } from './rule.ts'
import type { Term } from './term.ts'
import { type AddressMask, parseAddressMask, parseMask } from './value/address.ts'
import { type InterfacePattern, parseInterface } from './value/interface.ts'
import { parseProtocol } from './value/protocol.ts'

/** Undefined for all protocols. */
export function readProtocol(use: CoreUse): Term<number> | undefined {
  const words = () => `unknown protocol "${use.text.toLowerCase()}" specified`
  const value = said(use, words, () => parseProtocol(use.text))
  if (value !== 0) return placed(use, value)
  if (!use.negated) return undefined
  throw refused('ERR_VALUE', { status: 2, text: 'rule would never match protocol' }, { span: use.span })
}

export function readInterface(use: CoreUse): Term<InterfacePattern> {
  const words = () =>
    use.text === ''
      ? 'Empty interface is likely to be undesired'
      : `interface name \`${use.text}' must be shorter than IFNAMSIZ (15)`
  if (use.text === '') throw refused('ERR_VALUE', { status: 2, text: words() }, { span: use.span })
  return placed(
    use,
    said(use, words, () => parseInterface(use.text)),
  )
}

export interface Addresses {
  /** One for each address of the list; undefined asks nothing. */
  readonly sources: readonly Rule['source'][]
  readonly destinations: readonly Rule['destination'][]
}

export function readAddresses({ core, family }: Draft): Addresses {
  const { source, destination } = core
  const sources = readList(source, family)
  const destinations = readList(destination, family)
  const negated = source?.negated ? source : destination?.negated ? destination : undefined
  if (negated && (sources.length > 1 || destinations.length > 1))
    throw refused(
      'ERR_OPTION',
      { status: 2, text: '! not allowed with multiple source or destination IP addresses' },
      { span: negated.span },
    )
  return { sources, destinations }
}

const NOTHING = [undefined] as const

function readList(use: CoreUse | undefined, family: Family): readonly (Term<AddressMask> | undefined)[] {
  if (!use) return NOTHING
  if (!use.text.includes(',')) return [readAddress(use, use.text, family)]
  return use.text.split(',').map(word => readAddress(use, word.trimStart(), family))
}

function readAddress(use: CoreUse, text: string, family: Family): Term<AddressMask> | undefined {
  const value = said(
    use,
    () => addressRefusal(text, family),
    () => parseAddressMask(text, family),
  )
  return value.mask === 0n && !use.negated ? undefined : placed(use, value)
}

function addressRefusal(text: string, family: Family): string {
  const [host = '', mask] = text.split('/', 2)
  if (mask !== undefined && !isMask(mask, family)) return `invalid mask \`${mask}' specified`
  return `host/network \`${host}' not found`
}

function isMask(text: string, family: Family): boolean {
  try {
    parseMask(text, family)
    return true
  } catch {
    return false
  }
}

const placed = <T>(use: CoreUse, value: T): Term<T> => ({ value, negated: use.negated, span: use.span })

/** Runs a reader of values; its errors get the place of the option and iptables' words. */
function said<T>(use: CoreUse, words: () => string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    throw new RuleError(error.code, error.message, {
      span: use.span,
      refusal: { status: 2, text: words() },
      ...(error.hint && { hint: error.hint }),
    })
  }
}
