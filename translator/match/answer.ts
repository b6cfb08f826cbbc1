import type { Family } from 'iptables-parser'
import { answers, type Question, questionField } from '../question.ts'
import { type SetTest, type Step, setTerm, setTest } from '../test.ts'
import { single } from '../tree/interval.ts'
import { Untranslatable } from './translate.ts'

/** The answer is yes, or it is not. */
export const answerTest = (question: Question, negated = false): SetTest =>
  setTerm(questionField(question), 4, single(answers.yes), negated)

/** As answerTest, where a malformed list is neither: negated, the match holds for it, and the packet is dropped all the same. */
export const listSteps = (question: Question, negated: boolean): readonly Step[] => {
  const when = setTest(questionField(question), single(answers.malformed))
  return negated
    ? [answerTest(question, true), { kind: 'counted hotdrop', when }]
    : [{ kind: 'hotdrop', when }, answerTest(question)]
}

/** Behind the walk along IPv6 extension headers the verifier follows a second one for every way the first can end, and gives up on some rule sets. */
export function requireIpv4List(family: Family, option: string): void {
  if (family === 4) return
  throw new Untranslatable(`${option} is not translated over IPv6`, {
    hint: `ask for ports and types without ${option}`,
  })
}
