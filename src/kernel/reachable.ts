// The verifier knows a function only by a call of it: one that is never called is unreachable code to it.

import type { FunctionSpec, ProgramSpec } from '../../translator/program.ts'

const callees = (fn: FunctionSpec): readonly string[] =>
  fn.instructions.flatMap(({ relocation }) => (relocation?.kind === 'function' ? [relocation.name] : []))

/** The program without the functions that main does not reach. */
export const withoutUncalled = (spec: ProgramSpec): ProgramSpec => {
  const byName = new Map(spec.functions.map(fn => [fn.name, fn]))
  const reached = new Set<FunctionSpec>(spec.functions.slice(0, 1))
  // A set's iteration goes on to what is added during it.
  for (const fn of reached) {
    for (const name of callees(fn)) {
      const callee = byName.get(name)
      if (callee) reached.add(callee)
    }
  }
  return { ...spec, functions: spec.functions.filter(fn => reached.has(fn)) }
}
