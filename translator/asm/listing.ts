// The annotated listing of a program, for people: every instruction under the rule it serves.
//
//   int main(ctx):                                    a function
//   ; -A INPUT -p tcp --dport 22 -j ACCEPT            the rule of what follows, when it changes
//   next:                                             a label
//       12: if w1 != 0x16 goto next    ; port         slot, instruction, what for

import type { FunctionSpec, ParameterType, ProgramSpec } from '../program.ts'
import { disassemble } from './disassemble.ts'
import { encode, jumpDistance, slotCount } from './encode.ts'
import type { Instruction } from './instruction.ts'
import { slotsOf } from './opcode.ts'

export interface ListingOptions {
  /** The rule table that origins index. */
  readonly rules?: readonly string[]
  /** Show each instruction's bytes too. */
  readonly raw?: boolean
}

/** Columns before a comment. */
const COMMENT_COLUMN = 48

/** The names of all slots of a function that jumps lead to: those of their labels, or L1, L2, … in order. */
const targetNames = (instructions: readonly Instruction[]): Map<number, string> => {
  const targets = new Set<number>()
  const labels = new Map<number, string>()
  let slot = 0
  for (const instruction of instructions) {
    const distance = jumpDistance(instruction)
    if (distance !== undefined) targets.add(slot + 1 + distance)
    if (instruction.label !== undefined) labels.set(slot, instruction.label)
    slot += slotsOf(instruction.opcode)
  }
  const unnamed = [...targets].filter(target => !labels.has(target)).sort((a, b) => a - b)
  for (const [index, target] of unnamed.entries()) labels.set(target, `L${index + 1}`)
  return labels
}

const rawText = (instruction: Instruction): string =>
  Array.from(encode([instruction]), byte => byte.toString(16).padStart(2, '0'))
    .join(' ')
    .replace(/((?:.. ){7}..) /g, '$1 | ')

const instructionLine = (
  instruction: Instruction,
  slot: number,
  names: ReadonlyMap<number, string>,
  options: ListingOptions,
): string => {
  const text = disassemble(
    instruction,
    distance => names.get(slot + 1 + distance) ?? `slot ${slot + 1 + distance}`,
  )
  const raw = options.raw ? `${rawText(instruction).padEnd(50)}` : ''
  const line = `${`${slot}`.padStart(6)}: ${raw}${text}`
  const comment = instruction.origin?.comment
  return comment ? `${line.padEnd(COMMENT_COLUMN + raw.length)} ; ${comment}` : line
}

const ruleLine = (rule: number | undefined, rules: readonly string[]): string =>
  rule === undefined ? '; --' : `; ${rules[rule] ?? `rule ${rule}`}`

/** The lines of a function's instructions; slots are counted from its start. */
export const listInstructions = (
  instructions: readonly Instruction[],
  options: ListingOptions = {},
): string[] => {
  const names = targetNames(instructions)
  const lines: string[] = []
  let rule: number | undefined
  let slot = 0
  for (const instruction of instructions) {
    const origin = instruction.origin?.rule
    if (origin !== rule) lines.push(ruleLine(origin, options.rules ?? []))
    rule = origin
    const name = names.get(slot)
    if (name !== undefined) lines.push(`${name}:`)
    lines.push(instructionLine(instruction, slot, names, options))
    slot += slotsOf(instruction.opcode)
  }
  return lines
}

const parameterText = (name: string, type: ParameterType): string =>
  type.kind === 'memory' ? `${name}[${type.size}]` : name

const functionLines = (fn: FunctionSpec, options: ListingOptions): string[] => {
  const parameters = fn.parameters.map(({ name, type }) => parameterText(name, type)).join(', ')
  return [`int ${fn.name}(${parameters}):`, ...listInstructions(fn.instructions, options), '']
}

const mapLines = (spec: ProgramSpec): string[] =>
  spec.maps.map(({ name, type, keySize, valueSize, maxEntries, shared, contents }) => {
    const facts = [`key ${keySize}`, `value ${valueSize}`, `max ${maxEntries}`]
    if (shared) facts.push('shared')
    if (contents) facts.push(`${contents.count} given`)
    return `; map ${name} ${type.toLowerCase()}, ${facts.join(', ')}`
  })

/** The listing of a program. The same program gives the same text. */
export const listing = (spec: ProgramSpec, options: ListingOptions = {}): string => {
  const slots = spec.functions.reduce((sum, fn) => sum + slotCount(fn.instructions), 0)
  return [
    `; ${spec.name}: ${spec.type.toLowerCase()} at ${spec.hook}, ${slots} slots, ${spec.functions.length} functions`,
    ...mapLines(spec),
    '',
    ...spec.functions.flatMap(fn => functionLines(fn, options)),
  ].join('\n')
}
