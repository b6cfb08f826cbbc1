import { RuleError } from '../error.ts'
import { utf8Length } from './quote.ts'

/** IFNAMSIZ, with its NUL. */
const NAME_SIZE = 16

/** A device name, or the beginning of one: `eth+` is {name: 'eth', wildcard: true}. */
export interface InterfacePattern {
  readonly name: string
  readonly wildcard: boolean
}

export function parseInterface(text: string): InterfacePattern {
  if (utf8Length(text) >= NAME_SIZE)
    throw new RuleError('ERR_VALUE', `the interface name "${text}" is too long`, { hint: 'at most 15 bytes' })
  if (text.endsWith('+')) return { name: text.slice(0, -1), wildcard: true }
  return { name: text, wildcard: false }
}

export const printInterface = ({ name, wildcard }: InterfacePattern): string => (wildcard ? `${name}+` : name)

/** No device at all (an input device in OUTPUT, say) has the empty name, as in the kernel. */
export const interfaceMatches = ({ name, wildcard }: InterfacePattern, device: string): boolean =>
  wildcard ? device.startsWith(name) : device === name
