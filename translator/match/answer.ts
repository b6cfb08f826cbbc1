import { answers, type Question, questionField } from '../question.ts'
import { type SetTest, setTerm } from '../test.ts'
import { single } from '../tree/interval.ts'

/** The answer is yes, or it is not. */
export const answerTest = (question: Question, negated = false): SetTest =>
  setTerm(questionField(question), 4, single(answers.yes), negated)
