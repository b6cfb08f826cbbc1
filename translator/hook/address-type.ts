// Reads into the record what the addresses of a packet are to routing.

import { type AddressField, addresses, addressTypeField, type Limit, limits } from '../address-type-field.ts'
import { mov, mov32, movImmediate } from '../asm/alu.ts'
import type { Assembler } from '../asm/assembler.ts'
import type { Instruction } from '../asm/instruction.ts'
import { callFunction } from '../asm/jump.ts'
import { load } from '../asm/memory.ts'
import { r0, r1, r2, r3, r6, r7, r8 } from '../asm/register.ts'
import { ADDRESS_TYPE_FUNCTION } from '../emit/address-type.ts'
import { storeField } from './field.ts'
import type { PrologueRequest } from './hook.ts'

type Fields = Pick<PrologueRequest, 'fields'>

const askedOn = ({ fields }: Fields, limit: Limit): readonly AddressField[] =>
  addresses.filter(address => fields.has(addressTypeField(address, limit)))

export const asksAddressType = (request: Fields): boolean =>
  limits.some(limit => askedOn(request, limit).length > 0)

export interface Routing {
  /** r7 = the address of the network namespace. */
  readonly loadNet: readonly Instruction[]
  /** r8 = the address of the packet's input or output device. */
  loadDevice(limit: Exclude<Limit, ''>): readonly Instruction[]
}

/** With the addresses in the record. Destroys r0 to r5, r7 and r8. */
export function emitAddressTypes(
  assembler: Assembler,
  request: PrologueRequest,
  { loadNet, loadDevice }: Routing,
): void {
  if (!asksAddressType(request)) return
  assembler.emit(...loadNet)
  for (const limit of limits) {
    const asked = askedOn(request, limit)
    if (asked.length > 0) assembler.emit(...(limit === '' ? [movImmediate(r8, 0)] : loadDevice(limit)))
    for (const address of asked)
      assembler.emit(
        load('u32', r1, r6, request.record.offset(address)),
        mov(r2, r7),
        mov(r3, r8),
        callFunction(ADDRESS_TYPE_FUNCTION),
        mov32(r0, r0),
        storeField(request, addressTypeField(address, limit), r0),
      )
  }
}
