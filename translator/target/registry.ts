// What a target does to the walk. A target that rules/ knows and this table does not is a compile error.

import type { ChainTarget, Target } from 'iptables-parser'
import { Untranslatable } from '../match/translate.ts'

/** Counting is done for every rule that matches, whatever its target. */
export type Action = 'accept' | 'drop' | 'return' | 'continue'

export type TargetTranslator<T> = (target: T) => Action

type Extension = Exclude<Target, ChainTarget>

export const untranslatableTarget =
  (why: string): TargetTranslator<unknown> =>
  () => {
    throw new Untranslatable(why)
  }

export const targetTranslators: {
  readonly [K in Extension['kind']]: TargetTranslator<Extract<Extension, { kind: K }>>
} = {
  ACCEPT: () => 'accept',
  DROP: () => 'drop',
  RETURN: () => 'return',
}
