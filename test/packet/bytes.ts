/** Byte strings: joined, fitted to a length, and read from hexadecimal. */

export const concat = (...parts: readonly Uint8Array[]): Uint8Array => {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** The first `length` bytes, or the bytes followed by zeros up to `length`. */
export const resize = (bytes: Uint8Array, length: number): Uint8Array => {
  const fitted = new Uint8Array(length)
  fitted.set(bytes.subarray(0, length))
  return fitted
}

/** Zeros appended until the length is a multiple of `unit`. */
export const align = (bytes: Uint8Array, unit: number): Uint8Array =>
  resize(bytes, Math.ceil(bytes.length / unit) * unit)

/** Hexadecimal digits, spaces allowed between bytes. Throws RangeError on anything else. */
export const fromHex = (text: string): Uint8Array => {
  const digits = text.replaceAll(' ', '')
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new RangeError(`not hexadecimal bytes: "${text}"`)
  return Uint8Array.from(digits.match(/../g) ?? [], byte => Number.parseInt(byte, 16))
}

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')

/** A big-endian field: its value and its width in bytes (1, 2 or 4). */
export type Field = readonly [value: number, width: 1 | 2 | 4]

/** Big-endian fields in sequence. A value too large for its field keeps its low bits. */
export const fields = (...values: readonly Field[]): Uint8Array => {
  const bytes: number[] = []
  for (const [value, width] of values) {
    for (let shift = (width - 1) * 8; shift >= 0; shift -= 8) bytes.push((value >>> shift) & 0xff)
  }
  return Uint8Array.from(bytes)
}

/** A copy in which the big-endian 16-bit word at `offset` is `value`. */
export const withWord = (bytes: Uint8Array, offset: number, value: number): Uint8Array => {
  const copy = bytes.slice()
  new DataView(copy.buffer).setUint16(offset, value)
  return copy
}
