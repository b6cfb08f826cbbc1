import { RuleError } from './error.ts'
import type { Source, Span } from './span.ts'

/** One argument of a rule line, quotes and escapes resolved; as a span it is the place it was written at. */
export interface Token extends Span {
  readonly text: string
  /** It stood in quotes. iptables makes no difference, but iptables-xml does. */
  readonly quoted: boolean
}

const [TAB, BLANK, QUOTE, BACKSLASH] = [0x09, 0x20, 0x22, 0x5c]

/**
 * Splits a line into arguments as iptables-restore does (`add_param_to_argv` in iptables/xshared.c): blanks separate, double
 * quotes hold blanks, a backslash inside them takes the next character as it is, and a closing quote ends the argument.
 */
export function tokenise(source: Source, start: number, end: number): Token[] {
  const { text } = source
  const tokens: Token[] = []
  let from = start
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (code === BLANK || code === TAB) {
      if (at > from) tokens.push({ source, start: from, end: at, text: text.slice(from, at), quoted: false })
      from = at + 1
    } else if (code === QUOTE) {
      const token = readQuoted(source, from, at, end)
      tokens.push(token)
      from = token.end
      at = token.end - 1
    }
  }
  if (end > from) tokens.push({ source, start: from, end, text: text.slice(from, end), quoted: false })
  return tokens
}

/** An argument that begins at `start` and has its quote at `quote`. */
function readQuoted(source: Source, start: number, quote: number, end: number): Token {
  const { text } = source
  const parts = [text.slice(start, quote)]
  let from = quote + 1
  for (let at = from; at < end; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) {
      parts.push(text.slice(from, at))
      from = ++at
    } else if (code === QUOTE) {
      parts.push(text.slice(from, at))
      return { source, start, end: at + 1, text: parts.join(''), quoted: true }
    }
  }
  throw new RuleError('ERR_SYNTAX', 'a quote is opened but not closed', {
    span: { source, start: quote, end },
    hint: 'close it with ", and write a quote inside quotes as \\"',
  })
}

/** Tokens of an argument vector, as a shell has already split it; errors then point into the joined line. */
export function tokensOf(words: readonly string[], name = 'arguments'): Token[] {
  const source: Source = { name, text: words.join(' ') }
  let start = 0
  return words.map(text => {
    const token = { source, start, end: start + text.length, text, quoted: false }
    start = token.end + 1
    return token
  })
}
