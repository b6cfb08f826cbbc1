import type { Family } from 'iptables-parser'
import type { Hook } from '../program.ts'
import type { Step } from '../test.ts'

export interface MatchContext {
  readonly family: Family
  readonly hook: Hook
}

/** Says a match in terms of fields. Throws Untranslatable where it cannot be said. */
export type MatchTranslator<M> = (match: M, context: MatchContext) => readonly Step[]

export interface UntranslatableOptions {
  /** What the user can do, if there is more to say than that netfilter or the kernel's own tables could do it. */
  readonly hint?: string
}

/** Why a match or target has no meaning here that a program could hold. The rule and its place are added by whoever knows them. */
export class Untranslatable extends Error {
  override readonly name = 'Untranslatable'
  readonly hint: string | undefined

  constructor(reason: string, { hint }: UntranslatableOptions = {}) {
    super(reason)
    this.hint = hint
  }
}

/** For a match that no hook can decide, or none can yet. */
export const untranslatable =
  (why: string, options?: UntranslatableOptions): MatchTranslator<unknown> =>
  () => {
    throw new Untranslatable(why, options)
  }
