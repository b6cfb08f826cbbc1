/** Addresses in their written form, as bytes in network order. */

const octet = (text: string, radix: 10 | 16): number => {
  const digits = radix === 10 ? /^\d{1,3}$/ : /^[0-9a-f]{1,2}$/i
  const value = digits.test(text) ? Number.parseInt(text, radix) : Number.NaN
  if (!(value <= 0xff)) throw new RangeError(`not an octet: "${text}"`)
  return value
}

/** `02:00:00:00:00:01` to 6 bytes. Throws RangeError on anything else. */
export const macBytes = (text: string): Uint8Array => {
  const parts = text.split(':')
  if (parts.length !== 6) throw new RangeError(`not a MAC address: "${text}"`)
  return Uint8Array.from(parts, part => octet(part, 16))
}

/** `192.0.2.1` to 4 bytes. Throws RangeError on anything else. */
export const ipv4Bytes = (text: string): Uint8Array => {
  const parts = text.split('.')
  if (parts.length !== 4) throw new RangeError(`not an IPv4 address: "${text}"`)
  return Uint8Array.from(parts, part => octet(part, 10))
}

/** A dotted tail (`::ffff:192.0.2.1`) as the two groups it stands for. */
const withoutDottedTail = (text: string): string => {
  const start = text.lastIndexOf(':') + 1
  const tail = text.slice(start)
  if (!tail.includes('.')) return text
  const [a = 0, b = 0, c = 0, d = 0] = ipv4Bytes(tail)
  return `${text.slice(0, start)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
}

const groups = (text: string): readonly number[] => {
  if (text === '') return []
  return text.split(':').map(group => {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) throw new RangeError(`not an IPv6 group: "${group}"`)
    return Number.parseInt(group, 16)
  })
}

/** `2001:db8::1` (RFC 4291 §2.2, all three forms) to 16 bytes. Throws RangeError on anything else. */
export const ipv6Bytes = (text: string): Uint8Array => {
  const [head = '', tail, ...rest] = withoutDottedTail(text).split('::')
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const missing = 8 - before.length - after.length
  if (rest.length > 0 || (tail === undefined ? missing !== 0 : missing < 1)) {
    throw new RangeError(`not an IPv6 address: "${text}"`)
  }
  const all = [...before, ...new Array<number>(missing).fill(0), ...after]
  return Uint8Array.from(all.flatMap(group => [group >> 8, group & 0xff]))
}
