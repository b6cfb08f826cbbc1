// Rule sets translated in one go, for tests.

import { type Family, parseSave, type Ruleset } from 'iptables-parser'
import type { Strategies } from '../../translator/chain.ts'
import { newLayout } from '../../translator/counter.ts'
import { lanesOf } from '../../translator/lane.ts'
import type { ProgramSpec } from '../../translator/program.ts'
import { type LaneProgram, type Translation, translate } from '../../translator/translate.ts'

type HookChoice = 'netfilter' | 'xdp' | 'tc'

/** Rule sets of one or both families, with all that count. */
export function compile(
  rulesets: readonly Ruleset[],
  hook: HookChoice,
  strategies: Partial<Strategies> = {},
): Translation {
  const counters = newLayout(rulesets)
  const families = rulesets.map(({ family }) => family)
  return translate(rulesets, { lanes: lanesOf(hook, families), counters, strategies })
}

/** Throws where a rule is refused. */
export function compiled(
  rulesets: readonly Ruleset[],
  hook: HookChoice,
  strategies: Partial<Strategies> = {},
): readonly LaneProgram[] {
  const translation = compile(rulesets, hook, strategies)
  if (translation.kind === 'translated') return translation.programs
  throw new Error(translation.refusals.map(({ rule, reason }) => `${rule.rule}: ${reason}`).join('\n'))
}

export const compileText = (
  text: string,
  family: Family,
  hook: HookChoice = 'netfilter',
  strategies: Partial<Strategies> = {},
) => compiled([parseSave(text, { family })], hook, strategies)

/** The most functions that are ever on the stack at once, the main one among them. */
export function mostFrames({ functions }: ProgramSpec): number {
  const called = new Map(
    functions.map(({ name, instructions }) => [
      name,
      new Set(
        instructions.flatMap(({ relocation }) => (relocation?.kind === 'function' ? [relocation.name] : [])),
      ),
    ]),
  )
  const known = new Map<string, number>()
  const depth = (name: string): number => {
    const before = known.get(name)
    if (before !== undefined) return before
    const deepest = 1 + Math.max(0, ...[...(called.get(name) ?? [])].map(depth))
    known.set(name, deepest)
    return deepest
  }
  return depth(functions[0]?.name ?? '')
}
