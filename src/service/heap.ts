/** Bytes of text from which on the space for new objects is worth a word. */
const MANY = 1 << 16

let many = false

/** Whether many rules were read: V8 then compiles and collects beside the program, to its end. */
export const hasReadMany = (): boolean => many

/**
 * Says that rules are about to be read from a text, which stay to the end. The space for new objects begins at a megabyte and is doubled step by step, so
 * the collector would move the first thousands of them again and again; to let it grow in one step takes a quarter off reading them.
 */
export function expectRules(text: string): void {
  if (text.length < MANY || many) return
  many = true
  // most commands read few rules, and node:v8 takes 2 ms to load
  process.getBuiltinModule('node:v8').setFlagsFromString('--semi-space-growth-factor=16')
}
