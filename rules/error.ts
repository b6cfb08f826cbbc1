import { lineOf, position, type Span } from './span.ts'

/** What can be wrong with rules. Codes are stable; messages are not. */
export type RuleErrorCode =
  | 'ERR_SYNTAX'
  | 'ERR_OPTION'
  | 'ERR_VALUE'
  | 'ERR_EXTENSION'
  | 'ERR_CHAIN'
  | 'ERR_TABLE'
  | 'ERR_LOOP'
  | 'ERR_COUNTER'
  | 'ERR_INPUT'

export interface RuleErrorDetails {
  readonly span?: Span
  /** What to do about it. */
  readonly hint?: string
  readonly cause?: unknown
}

/** Bad input: rules that do not parse, or that iptables would refuse. */
export class RuleError extends Error {
  override readonly name = 'RuleError'
  readonly code: RuleErrorCode
  readonly span: Span | undefined
  readonly hint: string | undefined

  constructor(code: RuleErrorCode, message: string, details: RuleErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.span = details.span
    this.hint = details.hint
  }

  /** The same error with a place, where it has none yet. */
  at(span: Span): RuleError {
    if (this.span) return this
    return new RuleError(this.code, this.message, { span, ...(this.hint && { hint: this.hint }) })
  }
}

/** Longest part of a source line that a caret error shows; rule lines may be 64 KiB long. */
const SHOWN_COLUMNS = 160

/** `file:line:column: message`, the source line with a caret under the place, then the hint. */
export function formatError(error: {
  message: string
  span?: Span | undefined
  hint?: string | undefined
}): string {
  const lines = error.span
    ? [`${place(error.span)}: ${error.message}`, ...excerpt(error.span)]
    : [error.message]
  if (error.hint) lines.push(`hint: ${error.hint}`)
  return lines.join('\n')
}

/** `file:line:column`. */
export function place(span: Span): string {
  const { line, column } = position(span)
  return `${span.source.name}:${line}:${column}`
}

function excerpt(span: Span): string[] {
  const text = printable(lineOf(span))
  const { column } = position(span)
  const from = column > SHOWN_COLUMNS ? column - SHOWN_COLUMNS / 2 : 0
  const shown = text.slice(from, from + SHOWN_COLUMNS)
  const indent = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ')
  const width = Math.min(span.end - span.start, shown.length - indent.length)
  return [shown, `${indent}^${'~'.repeat(Math.max(0, width - 1))}`]
}

/** Control characters would move the caret, or worse, the terminal. */
const printable = (text: string): string => text.replace(/[^\t\x20-\x7e\u00a0-\uffff]/g, '?')
