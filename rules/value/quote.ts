/** A word as iptables-save writes it: in quotes, with escapes, where it must be. Source: xtables_save_string. */
export const quote = (text: string): string => (/^[A-Za-z0-9_-]+$/.test(text) ? text : quoted(text))

/** In quotes, whether it must be or not. */
export const quoted = (text: string): string => `"${text.replace(/["'\\]/g, character => `\\${character}`)}"`

/** The kernel's limits count these. */
export function utf8Length(text: string): number {
  let bytes = text.length
  if (!/[^\0-\x7f]/.test(text)) return bytes
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    // each half of a surrogate pair counts two
    if (code >= 0x80) bytes += code < 0x800 || (code & 0xf800) === 0xd800 ? 1 : 2
  }
  return bytes
}

/** A text in UTF-8 (RFC 3629). */
export function utf8Bytes(text: string): number[] {
  return [...text].flatMap(character => {
    const code = character.codePointAt(0) ?? 0
    const tail = (shift: number): number => 0x80 | ((code >> shift) & 0x3f)
    if (code < 0x80) return [code]
    if (code < 0x800) return [0xc0 | (code >> 6), tail(0)]
    if (code < 0x10000) return [0xe0 | (code >> 12), tail(6), tail(0)]
    return [0xf0 | (code >> 18), tail(12), tail(6), tail(0)]
  })
}
