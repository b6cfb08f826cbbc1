import { type Family, printAddress } from 'iptables-parser'
import { ctstate, type FieldName, transport } from '../field.ts'
import type { Point } from '../tree/interval.ts'

/** A value of a field as people write it: an address, a port, the beginning of a device's name. */
export function printPoint(field: FieldName, family: Family, point: Point): string {
  if (field === 'saddr' || field === 'daddr') return printAddress(family, BigInt(point))
  if (field === 'iif' || field === 'oif') return printName(BigInt(point))
  if (field === 'transport') return nameIn(transport, point)
  if (field === 'ctstate') return nameIn(ctstate, point)
  return String(point)
}

const nameIn = (table: Readonly<Record<string, number>>, point: Point): string =>
  Object.keys(table).find(name => table[name] === point) ?? String(point)

/** The characters up to the first NUL; what lies behind is a boundary between names, not part of one. */
function printName(value: bigint): string {
  const bytes = Array.from({ length: 16 }, (_, index) => Number((value >> BigInt(8 * (15 - index))) & 0xffn))
  const end = bytes.indexOf(0)
  const name = String.fromCharCode(...bytes.slice(0, end < 0 ? 16 : end))
  return `"${name}${bytes.slice(end < 0 ? 16 : end).some(byte => byte !== 0) ? '+' : ''}"`
}
