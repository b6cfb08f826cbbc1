import { readIpv4 } from './address.ts'

/** An address in any form of RFC 4291 section 2.2, as inet_pton takes it. */
export function readIpv6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = readGroups(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 2 ? readGroups(halves[1] ?? '', true) : []
  if (!head || !tail) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  return [...head, ...Array<number>(missing).fill(0), ...tail].reduce(
    (value, group) => (value << 16n) | BigInt(group),
    0n,
  )
}

/** Groups of 16 bits; the last may be a dotted IPv4 address where the text ends with it. */
function readGroups(text: string, ends: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const words = text.split(':')
  for (const [index, word] of words.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(word)) groups.push(Number.parseInt(word, 16))
    else {
      const dotted = ends && index === words.length - 1 ? readIpv4(word) : undefined
      if (dotted === undefined) return undefined
      groups.push(Number(dotted >> 16n), Number(dotted & 0xffffn))
    }
  }
  return groups
}

/** As inet_ntop prints it: the longest run of two or more zero groups shortened, the first of equals; v4-mapped ones dotted. */
export function printIpv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) =>
    Number((value >> BigInt(112 - 16 * index)) & 0xffffn),
  )
  const run = longestZeroRun(groups)
  const dotted = dottedTail(groups, run)
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map(group => group.toString(16))
      .join(':')
  if (dotted !== undefined) return `${hex(0, run.start)}::${run.length === 5 ? 'ffff:' : ''}${dotted}`
  if (run.length < 2) return hex(0, 8)
  return `${hex(0, run.start)}::${hex(run.start + run.length, 8)}`
}

/** glibc prints ::a.b.c.d and ::ffff:a.b.c.d dotted. */
function dottedTail(groups: readonly number[], run: { start: number; length: number }): string | undefined {
  if (run.start !== 0 || !(run.length === 6 || (run.length === 5 && groups[5] === 0xffff))) return undefined
  const [high = 0, low = 0] = groups.slice(6)
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let end = start
    while (groups[end] === 0) end++
    if (end - start > best.length) best = { start, length: end - start }
  }
  return best
}
