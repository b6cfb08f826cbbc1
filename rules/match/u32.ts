import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import type { Packet } from '../packet.ts'
import { asTerm, showTerm, type Term, term } from '../term.ts'
import { isIn } from '../value/number.ts'
import { parseU32, printU32, type U32Location, type U32Test } from '../value/u32.ts'

export interface U32Match {
  readonly kind: 'u32'
  /** All of them hold. */
  readonly tests: Term<readonly U32Test[]>
}

export const u32 = defineMatch<U32Match>()({
  name: 'u32',
  options: { u32: option(parseU32, { negatable: true, required: true }) },
  build: given => ({ kind: 'u32', tests: asTerm(given.u32) ?? term([]) }),
  print: ({ tests }) => `${tests.negated ? ' !' : ''} --u32 "${printU32(tests.value)}"`,
  list: ({ tests }) => ` u32 ${showTerm(tests, all => `"${printU32(all)}"`, '! ')}`,
  evaluate: ({ tests }, packet) => tests.value.every(test => holds(test, packet)) !== tests.negated,
})

function holds({ location, values }: U32Test, packet: Packet): boolean {
  const value = read(location, packet)
  return value !== undefined && values.some(range => isIn(value, range))
}

/** net/netfilter/xt_u32.c: undefined where it would read behind the end of the packet. */
function read({ start, steps }: U32Location, { bytes }: Packet): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const at = (place: number): number | undefined =>
    place + 4 <= bytes.length ? view.getUint32(place) : undefined
  let base = 0
  let value = at(start)
  for (const { operator, number } of steps) {
    if (value === undefined) return undefined
    if (operator === '&') value = (value & number) >>> 0
    else if (operator === '<<') value = (value << number) >>> 0
    else if (operator === '>>') value >>>= number
    else {
      base += value
      value = at(base + number)
    }
  }
  return value
}
