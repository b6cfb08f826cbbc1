import { answers, type Question, questionField } from '../question.ts'
import { type SetTest, type Step, setTerm, setTest } from '../test.ts'
import { single } from '../tree/interval.ts'

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
