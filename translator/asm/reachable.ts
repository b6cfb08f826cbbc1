// The verifier refuses a function with instructions that nothing reaches, and code emitted piece by piece has some: the policy behind
// a rule that takes every packet, the jump behind a leaf that ends in a verdict.

import type { Instruction } from './instruction.ts'
import type { Jump } from './jump.ts'
import type { Label } from './label.ts'
import { EXIT, JA } from './opcode.ts'

type Statement = Instruction | Jump

export interface Reached {
  readonly statements: readonly Statement[]
  readonly places: ReadonlyMap<Label, number>
}

/** The statements that control can get to from the first, and where the labels stand among them. */
export function reachable(statements: readonly Statement[], places: ReadonlyMap<Label, number>): Reached {
  const reached = follow(statements, places)
  const kept = new Int32Array(statements.length + 1)
  for (let at = 0; at < statements.length; at++) kept[at + 1] = (kept[at] ?? 0) + (reached[at] ?? 0)
  return {
    statements: statements.filter((_, at) => reached[at]),
    places: new Map([...places].map(([label, at]) => [label, kept[at] ?? 0])),
  }
}

function follow(statements: readonly Statement[], places: ReadonlyMap<Label, number>): Uint8Array {
  const reached = new Uint8Array(statements.length)
  const pending = [0]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    for (let next = at; next < statements.length && !reached[next]; next++) {
      reached[next] = 1
      const statement = statements[next]
      if (!statement) break
      if ('target' in statement) pending.push(places.get(statement.target) ?? 0)
      if (statement.opcode === EXIT || statement.opcode === JA) break
    }
  }
  return reached
}
