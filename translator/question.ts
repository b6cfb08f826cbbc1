// Questions that only code can answer: the prologue runs it once for each packet, however many rules ask, and the answer is a field like any other.

import type { CbpfInstruction, HeaderOption, U32Test } from 'iptables-parser'
import { type ExtensionKind, type ExtensionPart, extensionKinds } from './extension-field.ts'

export type Question =
  /** All of the tests hold. */
  | { readonly kind: 'u32'; readonly tests: readonly U32Test[] }
  /** The classic program returns anything but 0. */
  | { readonly kind: 'bpf'; readonly program: readonly CbpfInstruction[] }
  /** The routing header lists these addresses first, one behind the other; numbers as text. */
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  /** It lists them in this order. */
  | { readonly kind: 'addresses-among'; readonly addresses: readonly string[] }
  /** A segment of the segment routing header agrees with a prefix, or is there and does not. */
  | {
      readonly kind: 'segment'
      readonly which: 'previous' | 'next' | 'last'
      readonly address: string
      readonly mask: string
      readonly negated: boolean
    }
  /** The header's options begin with these. */
  | {
      readonly kind: 'options'
      readonly header: 'hop-by-hop' | 'destination'
      readonly options: readonly HeaderOption[]
    }
  | ChunkQuestion
  /** An option of this number stands in the DCCP header. */
  | { readonly kind: 'dccp-option'; readonly option: number }

/** `any`: one of the SCTP chunks is of these; `all`: each of these is there; `only`: no others are. */
export interface ChunkQuestion {
  readonly kind: 'chunks'
  readonly quantifier: 'any' | 'all' | 'only'
  /** Left out: every chunk is of these. Of the flags those in `mask` must be as in `set`. */
  readonly chunks?: readonly { readonly type: number; readonly mask: number; readonly set: number }[]
}

/** A question is its field's name, so that equal ones are one field, and nothing else has to carry them. */
export type QuestionField = `asked:${string}`

/** `malformed` is an answer of questions about lists alone. */
export const answers = { no: 0, yes: 1, malformed: 2 } as const

const PREFIX = 'asked:'

export const questionField = (question: Question): QuestionField => `${PREFIX}${JSON.stringify(question)}`

export const isQuestionField = (name: string): name is QuestionField => name.startsWith(PREFIX)

export const questionOf = (field: QuestionField): Question =>
  JSON.parse(field.slice(PREFIX.length)) as Question

const titles: { readonly [K in Question['kind']]: string } = {
  u32: 'answer of -m u32',
  bpf: 'answer of -m bpf',
  addresses: 'addresses in the routing header',
  'addresses-among': 'addresses in the routing header',
  segment: 'segments of the segment routing header',
  options: 'options of an extension header',
  chunks: 'SCTP chunks',
  'dccp-option': 'DCCP options',
}

/** What a user would call it. */
export const questionTitle = (field: QuestionField): string => titles[questionOf(field).kind]

/** Answers that a question can have. */
export function answerCount(field: QuestionField): 2 | 3 {
  const { kind } = questionOf(field)
  return kind === 'chunks' || kind === 'dccp-option' ? 3 : 2
}

/** A question about what an extension header holds. */
export const asksExtension = (field: QuestionField): boolean =>
  questionSources(field).some(source => extensionKinds.some(kind => kind === source))

/** The fields that a question is found by. */
export function questionSources(
  field: QuestionField,
): readonly (ExtensionKind | ExtensionPart | 'transport-offset')[] {
  const question = questionOf(field)
  switch (question.kind) {
    case 'addresses':
      return ['routing']
    case 'addresses-among':
      return ['routing', 'routing-length']
    case 'segment':
      return ['routing', 'segments-left', 'last-entry']
    case 'options':
      return [question.header, `${question.header}-length`]
    case 'chunks':
    case 'dccp-option':
      return ['transport-offset']
    default:
      return []
  }
}

/** Questions that one program may ask: each is asked of every packet, and has its place in the record. */
export const MOST_QUESTIONS = 32
