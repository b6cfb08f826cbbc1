// A table of NUL-terminated strings, each written once; offset 0 is the empty string.

export interface StringTable {
  /** The offset of `text`, which is added unless it is there already. */
  readonly offset: (text: string) => number
  readonly bytes: () => Uint8Array
}

const ascii = (text: string): number[] =>
  Array.from(text, character => {
    const code = character.codePointAt(0) ?? 0
    if (code === 0 || code > 0x7f) throw new RangeError(`not an ASCII name: ${JSON.stringify(text)}`)
    return code
  })

/** An empty table: BTF's string section, and ELF's. */
export const stringTable = (): StringTable => {
  const offsets = new Map<string, number>([['', 0]])
  const bytes = [0]
  return {
    offset: text => {
      const known = offsets.get(text)
      if (known !== undefined) return known
      const offset = bytes.length
      offsets.set(text, offset)
      for (const code of ascii(text)) bytes.push(code)
      bytes.push(0)
      return offset
    },
    bytes: () => Uint8Array.from(bytes),
  }
}
