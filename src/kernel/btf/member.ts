// Where the members of C structs lie.

import { kindNumber, type TypeId } from '../../../translator/btf/type.ts'
import { type Btf, isNamed, type Type, typeOf } from './reader.ts'

interface Member {
  /** Its offset in all strings. */
  readonly name: number
  readonly type: TypeId
  /** Bits from the start of the struct. */
  readonly bits: number
}

const isComposite = (type: Type): boolean => type.kind === kindNumber.struct || type.kind === kindNumber.union

const isModifier = (type: Type): boolean =>
  type.kind === kindNumber.typedef ||
  type.kind === kindNumber.const ||
  type.kind === kindNumber.volatile ||
  type.kind === kindNumber.restrict ||
  type.kind === kindNumber.type_tag

/** The struct or union behind typedefs and qualifiers. */
const compositeOf = (btf: Btf, id: TypeId): Type | undefined => {
  const type = typeOf(btf, id)
  if (type === undefined) return undefined
  if (isModifier(type)) return compositeOf(btf, type.sizeOrType)
  return isComposite(type) ? type : undefined
}

const memberOf = (type: Type, index: number): Member => {
  const offset = type.tail + index * 12
  const word = type.view.getUint32(offset + 8, true)
  return {
    name: type.view.getUint32(offset, true),
    type: type.view.getUint32(offset + 4, true),
    // With the kind flag the upper 8 bits are the width of a bit field.
    bits: type.kindFlag ? word & 0xffffff : word,
  }
}

/** A member by name, also inside anonymous structs and unions, where C finds it too. */
const findMember = (btf: Btf, id: TypeId, name: string): Member | undefined => {
  const type = compositeOf(btf, id)
  if (type === undefined) return undefined
  for (let index = 0; index < type.vlen; index++) {
    const member = memberOf(type, index)
    if (isNamed(btf, member.name, name)) return member
    const inner = isNamed(btf, member.name, '') ? findMember(btf, member.type, name) : undefined
    if (inner) return { ...inner, bits: member.bits + inner.bits }
  }
  return undefined
}

/** The bytes from the start of struct `id` to the member `path` leads to; undefined where there is no such member. */
export const memberOffset = (btf: Btf, id: TypeId, path: readonly string[]): number | undefined => {
  let bits = 0
  let type = id
  for (const name of path) {
    const member = findMember(btf, type, name)
    if (member === undefined) return undefined
    bits += member.bits
    type = member.type
  }
  return Math.floor(bits / 8)
}

/** The number of an enumerator; undefined where the enumeration has none of that name. */
export const enumeratorOf = (btf: Btf, id: TypeId, name: string): number | undefined => {
  const type = typeOf(btf, id)
  if (type === undefined) return undefined
  for (let offset = type.tail; offset < type.tail + 8 * type.vlen; offset += 8)
    if (isNamed(btf, type.view.getUint32(offset, true), name)) return type.view.getInt32(offset + 4, true)
  return undefined
}
