import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import type { Family } from '../family.ts'
import { option } from '../option.ts'
import { printValue } from '../term.ts'
import { parseAddress, printAddress } from '../value/address.ts'
import { parseName, printName } from '../value/name.ts'

/** Sends a copy of the packet to another machine of the local network. */
export interface TeeTarget {
  readonly kind: 'TEE'
  readonly gateway: bigint
  readonly outInterface?: string
}

/** IFNAMSIZ. */
const NAME_SIZE = 16

function parseGateway(text: string, family: Family): bigint {
  const gateway = parseAddress(text, family)
  if (gateway === 0n) throw new RuleError('ERR_VALUE', `${text} cannot be a gateway`)
  return gateway
}

export const TEE = defineTarget<TeeTarget>()({
  name: 'TEE',
  options: {
    gateway: option((text, { family }) => parseGateway(text, family), { required: true }),
    oif: option(text => (text === '' ? undefined : parseName(text, NAME_SIZE, 'interface'))),
  },
  verdict: 'continue',
  build: ({ gateway, oif }) => ({
    kind: 'TEE',
    gateway: gateway?.value ?? 0n,
    ...defined({ outInterface: oif?.value }),
  }),
  print: ({ gateway, outInterface }, { family }) =>
    ` --gateway ${printAddress(family, gateway)}${printValue('oif', outInterface, printName)}`,
  list: ({ gateway, outInterface }, { family }) =>
    ` TEE gw:${printAddress(family, gateway)}${outInterface === undefined ? '' : ` oif=${outInterface}`}`,
})
