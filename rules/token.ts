import { RuleError } from './error.ts'
import type { Source, Span } from './span.ts'

/** One argument of a rule line, quotes and escapes resolved. */
export interface Token {
  readonly text: string
  readonly span: Span
  /** It stood in quotes, so it is a value even where it looks like an option. */
  readonly quoted: boolean
}

const isBlank = (character: string | undefined): boolean =>
  character === ' ' || character === '\t' || character === '\r'

/**
 * Splits a line into arguments the way iptables-restore does: blanks separate, double quotes hold blanks, and a
 * backslash inside quotes takes the next character as it is (`add_param_to_argv` in iptables/xshared.c).
 */
export function tokenise(source: Source, start: number, end: number): Token[] {
  const tokens: Token[] = []
  let at = start
  while (at < end) {
    if (isBlank(source.text[at])) at++
    else at = readToken(source, at, end, tokens)
  }
  return tokens
}

const plain = /[^\s"]*/y

function readToken(source: Source, start: number, end: number, tokens: Token[]): number {
  const { text } = source
  plain.lastIndex = start
  plain.test(text)
  let at = Math.min(plain.lastIndex, end)
  if (at === end || isBlank(text[at])) {
    tokens.push({ text: text.slice(start, at), span: { source, start, end: at }, quoted: false })
    return at
  }
  let value = text.slice(start, at)
  while (at < end && !isBlank(text[at])) {
    if (text[at] === '"') {
      const quote = readQuoted(source, at, end)
      value += quote.value
      at = quote.end
    } else value += text[at++]
  }
  tokens.push({ text: value, span: { source, start, end: at }, quoted: true })
  return at
}

function readQuoted(source: Source, start: number, end: number): { value: string; end: number } {
  const { text } = source
  let value = ''
  for (let at = start + 1; at < end; at++) {
    if (text[at] === '"') return { value, end: at + 1 }
    if (text[at] === '\\' && at + 1 < end) at++
    value += text[at]
  }
  throw new RuleError('ERR_SYNTAX', 'a quote is opened but not closed', {
    span: { source, start, end },
    hint: 'close it with ", and write a quote inside quotes as \\"',
  })
}

/** Tokens of an argument vector, as a shell has already split it; errors then point into the joined line. */
export function tokensOf(words: readonly string[], name = 'arguments'): Token[] {
  const source: Source = { name, text: words.join(' ') }
  let start = 0
  return words.map(text => {
    const span = { source, start, end: start + text.length }
    start = span.end + 1
    return { text, span, quoted: false }
  })
}
