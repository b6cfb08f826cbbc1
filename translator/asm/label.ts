declare const brand: unique symbol

/** A place in a function that jumps can name before it is known. Made by an assembler, and valid in that one only. */
export interface Label {
  /** For listings; unique in its function. */
  readonly name: string
  readonly [brand]: 'Label'
}

/** Only an assembler calls this: it sees to it that the name is unique. */
export const newLabel = (name: string): Label => ({ name }) as Label
