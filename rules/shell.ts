import { RuleError } from './error.ts'
import type { Source } from './span.ts'
import type { Token } from './token.ts'

/** What a shell would do something with, were it not quoted. */
const SPECIAL = /[$`;|&<>()*?[\]{}~]/

/**
 * Splits a line of a shell script into words (POSIX.1-2017, XCU 2.2 and 2.6.5): quotes and backslashes are resolved, a backslash at
 * the end of a line joins it to the next, and a word that begins with `#` ends the line. Throws RuleError for what only a shell can work out.
 */
export function shellWords(source: Source, start: number, end: number): Token[] {
  const words: Token[] = []
  for (let at = skipBlanks(source, start, end); at < end; at = skipBlanks(source, at, end)) {
    if (source.text[at] === '#') return words
    const word = readWord(source, at, end)
    words.push(word)
    at = word.end
  }
  return words
}

function skipBlanks({ text }: Source, from: number, end: number): number {
  let at = from
  for (;;) {
    if (text[at] === '\\' && /^\\\r?\n/.test(text.slice(at, at + 3))) at = text.indexOf('\n', at) + 1
    else if (at < end && /\s/.test(text.charAt(at))) at++
    else return Math.min(at, end)
  }
}

function readWord(source: Source, start: number, end: number): Token {
  const { text } = source
  let word = ''
  let quoted = false
  let at = start
  while (at < end && !/\s/.test(text.charAt(at))) {
    const character = text.charAt(at)
    if (character === '"' || character === "'") {
      const close = closingQuote(source, at, end)
      word += unquote(source, at + 1, close)
      quoted = true
      at = close + 1
    } else if (character === '\\') {
      if (/^\\\r?\n/.test(text.slice(at, at + 3))) break
      word += text.charAt(at + 1)
      at += 2
    } else {
      if (SPECIAL.test(character)) throw needsShell(source, at)
      word += character
      at++
    }
  }
  return { source, start, end: at, text: word, quoted }
}

function closingQuote(source: Source, open: number, end: number): number {
  const { text } = source
  const quote = text.charAt(open)
  for (let at = open + 1; at < end; at++) {
    if (text[at] === quote) return at
    if (quote === '"' && text[at] === '\\') at++
  }
  throw new RuleError('ERR_SYNTAX', 'a quote is opened but not closed', {
    span: { source, start: open, end },
    hint: `close it with ${quote}`,
  })
}

/** What stands between quotes: in double ones a backslash takes `$`, `` ` ``, `"` and itself as they are. */
function unquote(source: Source, start: number, end: number): string {
  const inside = source.text.slice(start, end)
  if (source.text[start - 1] === "'") return inside
  const expanded = inside.search(/(?<!\\)[$`]/)
  if (expanded >= 0) throw needsShell(source, start + expanded)
  return inside.replace(/\\([$`"\\])/g, '$1')
}

const needsShell = (source: Source, at: number): RuleError =>
  new RuleError('ERR_SYNTAX', 'only a shell can work this out', {
    span: { source, start: at, end: at + 1 },
    hint: 'run the script where it can do no harm, and give what iptables-save prints then; or quote the character if it is meant as it stands',
  })
