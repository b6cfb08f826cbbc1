// Puts the instructions of one function together: labels, jumps to them, and where each instruction came from.
//
//   const assembler = createAssembler()
//   const drop = assembler.label('drop')
//   assembler.withOrigin({ rule: 3 }, () => assembler.emit(load('u8', r1, r6, 9), jumpIf('==', r1, immediate(6), drop)))
//   assembler.emit(movImmediate(r0, 1), exit())
//   assembler.place(drop)
//   assembler.emit(movImmediate(r0, 0), exit())
//   const instructions = assembler.assemble()

import { AssemblyError } from './error.ts'
import type { Instruction, Origin } from './instruction.ts'
import type { Jump } from './jump.ts'
import { type Label, newLabel } from './label.ts'
import { reachable } from './reachable.ts'
import { type JumpOptions, plainJumps, resolveJumps } from './relax.ts'

export interface Assembler {
  /** A new label. The name is for listings and is made unique by a number. */
  label(name?: string): Label
  /** Let the label stand before the next instruction. */
  place(label: Label): void
  emit(...instructions: readonly (Instruction | Jump)[]): void
  /** Whatever `body` emits gets this origin; what it leaves out is taken from the origin around it. */
  withOrigin<T>(origin: Origin, body: () => T): T
  /** Instructions emitted so far. Far jumps may add to them. */
  readonly length: number
  /**
   * The function with all jumps resolved.
   * @throws AssemblyError ERR_ASM_LABEL for a label that was never placed or is foreign, ERR_ASM_FAR_JUMP for jumps
   *   that cannot be made to reach
   */
  assemble(options?: JumpOptions): Instruction[]
}

/** Hands out names no label had before: accept, accept.2, accept.3. */
const uniqueNames = (): ((name: string) => string) => {
  const used = new Map<string, number>()
  return name => {
    let count = used.get(name) ?? 0
    let unique: string
    do unique = ++count === 1 ? name : `${name}.${count}`
    while (count > 1 && used.has(unique))
    used.set(name, count)
    if (unique !== name) used.set(unique, 1)
    return unique
  }
}

const mergeOrigin = (outer: Origin | undefined, inner: Origin | undefined): Origin | undefined =>
  outer && inner ? { ...outer, ...inner } : (inner ?? outer)

/** What the assembler knows of a label until the label is placed. */
const NOT_PLACED = -1

export const createAssembler = (): Assembler => {
  const statements: (Instruction | Jump)[] = []
  const places = new Map<Label, number>()
  const unique = uniqueNames()
  let origin: Origin | undefined

  const placeOf = (label: Label): number => {
    const place = places.get(label)
    if (place === undefined)
      throw new AssemblyError('ERR_ASM_LABEL', `label ${label.name} belongs to another function`)
    return place
  }

  return {
    label(name = 'L') {
      const label = newLabel(unique(name))
      places.set(label, NOT_PLACED)
      return label
    },
    place(label) {
      if (placeOf(label) !== NOT_PLACED)
        throw new AssemblyError('ERR_ASM_LABEL', `label ${label.name} is placed twice`)
      places.set(label, statements.length)
    },
    emit(...instructions) {
      for (const instruction of instructions) {
        if ('target' in instruction) placeOf(instruction.target)
        const merged = mergeOrigin(origin, instruction.origin)
        statements.push(
          merged && merged !== instruction.origin ? { ...instruction, origin: merged } : instruction,
        )
      }
    },
    withOrigin(inner, body) {
      const outer = origin
      origin = mergeOrigin(outer, inner)
      try {
        return body()
      } finally {
        origin = outer
      }
    },
    get length() {
      return statements.length
    },
    assemble(options = plainJumps) {
      for (const [label, place] of places)
        if (place === NOT_PLACED)
          throw new AssemblyError('ERR_ASM_LABEL', `label ${label.name} is never placed`)
      const reached = reachable(statements, places)
      return resolveJumps(reached.statements, reached.places, options)
    },
  }
}
