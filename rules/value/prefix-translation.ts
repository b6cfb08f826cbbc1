// RFC 6296: one prefix is put in place of another in such a way that checksums stay right.

import { RuleError } from '../error.ts'
import { option } from '../option.ts'
import { type AddressMask, parseAddressMask, prefixLength, printAddressMask } from './address.ts'
import { parseAddressPrefix } from './address-prefix.ts'

export interface PrefixTranslation {
  readonly from: AddressMask
  readonly to: AddressMask
}

/** The kernel translates no more than the first 64 bits. */
const LAST_LENGTH = 64

function parsePrefix(text: string): AddressMask {
  const { address } = parseAddressPrefix(text, 6)
  const prefix = parseAddressMask(text, 6)
  if (prefix.value !== address)
    throw new RuleError('ERR_VALUE', `"${text}" has bits set behind its prefix`, {
      hint: `write ${printAddressMask(prefix)}`,
    })
  if ((prefixLength(6, prefix.mask) ?? 0) > LAST_LENGTH)
    throw new RuleError('ERR_VALUE', `the prefix ${text} is longer than ${LAST_LENGTH} bits`)
  return prefix
}

/** The options of SNPT and DNPT. */
export const prefixOptions = {
  'src-pfx': option(parsePrefix, { required: true }),
  'dst-pfx': option(parsePrefix, { required: true }),
} as const

const ANY: AddressMask = { family: 6, value: 0n, mask: 0n }

export const readTranslation = (given: {
  readonly 'src-pfx'?: { readonly value: AddressMask }
  readonly 'dst-pfx'?: { readonly value: AddressMask }
}): PrefixTranslation => ({ from: given['src-pfx']?.value ?? ANY, to: given['dst-pfx']?.value ?? ANY })

/** Both always; iptables-save leaves ::/0 out, which iptables-restore then misses. */
export const printTranslation = ({ from, to }: PrefixTranslation): string =>
  ` --src-pfx ${printAddressMask(from)} --dst-pfx ${printAddressMask(to)}`

export const listTranslation = (name: string, { from, to }: PrefixTranslation): string =>
  ` ${name} src-pfx ${printAddressMask(from)} dst-pfx ${printAddressMask(to)}`
