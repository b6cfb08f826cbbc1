// What a rule asks without a match: addresses and interfaces.

import {
  type AddressMask,
  addressBits,
  type Family,
  type InterfacePattern,
  prefixLength,
  type Term,
} from 'iptables-parser'
import type { FieldName } from '../field.ts'
import { pointOf } from '../field.ts'
import { type Step, setTerm } from '../test.ts'
import type { IntervalSet } from '../tree/interval.ts'

type AddressField = FieldName & ('saddr' | 'daddr')
type InterfaceField = FieldName & ('iif' | 'oif' | 'physin' | 'physout')

/** A prefix is an interval; any other mask has to be asked as one. */
export function addressStep(field: AddressField, asked: Term<AddressMask>): Step {
  const { family, value, mask } = asked.value
  const length = prefixLength(family, mask)
  if (length !== undefined)
    return setTerm(field, family, prefix(field, family, value, addressBits(family) - length), asked.negated)
  const narrow = (bits: bigint): number | bigint => pointOf(field, family, bits)
  return { kind: 'mask', field, mask: narrow(mask), value: narrow(value), negated: asked.negated }
}

/** IFNAMSIZ */
const NAME_BYTES = 16

/**
 * Device names are fields of 128 bits, the first character in the highest. `eth+` is then the prefix of its 3 bytes, and `eth0` that of 5: with the
 * NUL behind it, since nothing is said of the bytes behind the NUL (ifname_compare in include/linux/netfilter/x_tables.h).
 */
export function interfaceStep(field: InterfaceField, asked: Term<InterfacePattern>, family: Family): Step {
  const { name, wildcard } = asked.value
  const bytes = [...utf8(name), ...(wildcard ? [] : [0])]
  const free = BigInt(8 * (NAME_BYTES - bytes.length))
  const value = bytes.reduce((bits, byte) => (bits << 8n) | BigInt(byte), 0n) << free
  return setTerm(field, family, prefix(field, family, value, Number(free)), asked.negated)
}

/** The values that agree with `value` but for the lowest `free` bits. */
function prefix(field: FieldName, family: Family, value: bigint, free: number): IntervalSet {
  const low = pointOf(field, family, value)
  return [{ low, end: typeof low === 'number' ? low + 2 ** free : low + (1n << BigInt(free)) }]
}

function utf8(text: string): number[] {
  return [...unescape(encodeURIComponent(text))].map(character => character.charCodeAt(0))
}
