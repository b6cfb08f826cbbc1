// Reads into the record what the addresses of a packet are to routing.

import { mov, mov32 } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import { callFunction } from '../asm/jump.ts'
import { load } from '../asm/memory.ts'
import { type Register, r0, r1, r2, r6 } from '../asm/register.ts'
import { ADDRESS_TYPE_FUNCTION } from '../emit/address-type.ts'
import { storeField } from './field.ts'
import type { PrologueRequest } from './hook.ts'

const addresses = ['saddr', 'daddr'] as const

export const asksAddressType = ({ fields }: Pick<PrologueRequest, 'fields'>): boolean =>
  addresses.some(address => fields.has(`${address}-type`))

/** With the addresses in the record and the address of the network namespace in `net`, which calls leave alone. */
export function emitAddressTypes(assembler: Assembler, request: PrologueRequest, net: Register): void {
  for (const address of addresses)
    if (request.fields.has(`${address}-type`))
      assembler.emit(
        load('u32', r1, r6, request.record.offset(address)),
        mov(r2, net),
        callFunction(ADDRESS_TYPE_FUNCTION),
        mov32(r0, r0),
        storeField(request, `${address}-type`, r0),
      )
}
