import { RuleError } from '../error.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { quote, utf8Length } from '../value/quote.ts'

export interface CommentMatch {
  readonly kind: 'comment'
  readonly text: string
}

/** XT_MAX_COMMENT_LEN, with its NUL. */
export const COMMENT_SIZE = 256

function parseComment(text: string): string {
  if (utf8Length(text) >= COMMENT_SIZE)
    throw new RuleError('ERR_VALUE', 'the comment is too long', { hint: `at most ${COMMENT_SIZE - 1} bytes` })
  return text
}

export const comment = defineMatch<CommentMatch>()({
  name: 'comment',
  options: { comment: option(parseComment, { required: true }) },
  build: ({ comment: given }) => ({ kind: 'comment', text: given?.value ?? '' }),
  print: match => ` --comment ${quote(match.text)}`,
  list: match => ` /* ${match.text} */`,
  evaluate: () => true,
})
