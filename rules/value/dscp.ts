import { RuleError } from '../error.ts'
import { parseNumber } from './number.ts'

export const LAST_DSCP = 0x3f

export const parseDscp = (text: string): number => parseNumber(text, 0, LAST_DSCP, 'DSCP')

/** By the name of a class, in any case: CS0 to CS7, AF11 to AF43, BE and EF (RFC 2474, 2597, 3246). */
export function parseDscpClass(text: string): number {
  const name = text.toUpperCase()
  const [, selector] = /^CS([0-7])$/.exec(name) ?? []
  if (selector !== undefined) return Number(selector) << 3
  const [, group, precedence] = /^AF([1-4])([1-3])$/.exec(name) ?? []
  if (group !== undefined && precedence !== undefined) return (Number(group) << 3) | (Number(precedence) << 1)
  if (name === 'BE') return 0
  if (name === 'EF') return 0x2e
  throw new RuleError('ERR_VALUE', `"${text}" is not a DiffServ class`, {
    hint: 'classes are CS0 to CS7, AF11 to AF43, BE and EF',
  })
}

export const printDscp = (dscp: number): string => `0x${dscp.toString(16).padStart(2, '0')}`
