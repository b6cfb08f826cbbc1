// What V8 is told where many rules are about to be read.

/** Bytes of text from which on that is worth a word. */
const MANY = 1 << 16
/** And from which on what is done with it takes seconds: some twenty thousand rules. */
const HUGE = 1 << 21

let many = false
let objects = false

/** Whether much was read: V8 then compiles and collects beside the program, to its end. */
export const hasReadMany = (): boolean => many || objects

/**
 * The space for new objects begins at a megabyte and is doubled step by step, so the collector would move the first thousands of rules again and again; to let
 * it grow in one step takes a quarter off reading them. And what V8 optimizes runs for half a second at most: to inline little into it takes a tenth
 * off the processor time of 10,000 rules and a twentieth off that of 100,000, most of it in threads that a small machine has no processors for.
 */
const inOneStep = '--semi-space-growth-factor=16'
const forRules = [inOneStep, '--opt', '--max-inlined-bytecode-size-cumulative=100']

/**
 * To optimize only what has run three times as long takes a tenth to a fifth off the processor time of 10,000 rules, in those threads too, and some of the wall
 * time; to wait longer takes more off, but where a processor is idle the main thread would go without; 100,000 rules it would cost a tenth.
 */
const late = '--interrupt-budget=200000'

/** An edit beside many rules is over before what V8 optimizes would pay: not to do so takes a fifth off its processor time. */
const forEdit = [inOneStep, '--no-opt']

/** Says that rules are about to be read from a text, which stay to the end. */
export function expectRules(text: string): void {
  if (text.length < MANY || many) return
  many = true
  // most commands read few rules, and node:v8 takes 2 ms to load
  const { setFlagsFromString } = process.getBuiltinModule('node:v8')
  for (const flag of text.length < HUGE ? [...forRules, late] : forRules) setFlagsFromString(flag)
}

/** Says that an edit is about to make objects of so many bytes. */
export function expectObjects(bytes: number): void {
  if (bytes < MANY || many) return
  objects = true
  const { setFlagsFromString } = process.getBuiltinModule('node:v8')
  for (const flag of forEdit) setFlagsFromString(flag)
}
