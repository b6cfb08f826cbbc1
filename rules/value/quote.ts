/** A word as iptables-save writes it: in quotes, with escapes, where it must be. Source: xtables_save_string. */
export function quote(text: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(text)) return text
  return `"${text.replace(/["\\]/g, character => `\\${character}`)}"`
}

/** Bytes of a text in UTF-8; the kernel's limits count those. */
export function utf8Length(text: string): number {
  let bytes = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}
