import { defineTarget } from '../extension.ts'
import type { Family } from '../family.ts'
import { option } from '../option.ts'
import { type AddressMask, prefixMask, printAddressMask } from '../value/address.ts'
import { parseAddressPrefix } from '../value/address-prefix.ts'

/** Puts one network in the place of another, address by address. */
export interface NetmapTarget {
  readonly kind: 'NETMAP'
  readonly to: AddressMask
}

/** Bits behind the prefix are dropped. */
function parseNetwork(text: string, family: Family): AddressMask {
  const { address, length } = parseAddressPrefix(text, family)
  const mask = prefixMask(family, length)
  return { family, value: address & mask, mask }
}

export const NETMAP = defineTarget<NetmapTarget>()({
  name: 'NETMAP',
  tables: ['nat'],
  options: { to: option((text, { family }) => parseNetwork(text, family), { required: true }) },
  build: ({ to }, { family }) => ({ kind: 'NETMAP', to: to?.value ?? { family, value: 0n, mask: 0n } }),
  print: target => ` --to ${printAddressMask(target.to)}`,
  list: target => ` to:${printAddressMask(target.to)}`,
})
