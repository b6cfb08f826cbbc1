// Questions that only code can answer: the prologue runs it once for each packet, however many rules ask, and the answer is a field like any other.

import type { CbpfInstruction, U32Test } from 'iptables-parser'

export type Question =
  /** All of the tests hold. */
  | { readonly kind: 'u32'; readonly tests: readonly U32Test[] }
  /** The classic program returns anything but 0. */
  | { readonly kind: 'bpf'; readonly program: readonly CbpfInstruction[] }

/** A question is its field's name, so that equal ones are one field, and nothing else has to carry them. */
export type QuestionField = `asked:${string}`

export const answers = { no: 0, yes: 1 } as const

const PREFIX = 'asked:'

export const questionField = (question: Question): QuestionField => `${PREFIX}${JSON.stringify(question)}`

export const isQuestionField = (name: string): name is QuestionField => name.startsWith(PREFIX)

export const questionOf = (field: QuestionField): Question =>
  JSON.parse(field.slice(PREFIX.length)) as Question

/** What a user would call it. */
export const questionTitle = (field: QuestionField): string => `answer of -m ${questionOf(field).kind}`

/** Questions that one program may ask: each is asked of every packet, and has its place in the record. */
export const MOST_QUESTIONS = 32
