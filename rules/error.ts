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
  | 'ERR_RULE'
  | 'ERR_INPUT'

/** How iptables itself says no: its words and its exit status. */
export interface Refusal {
  /** 1: the rules as they are do not allow it; 2: it was asked wrongly; 3: there is no such table. */
  readonly status: 1 | 2 | 3
  readonly text: string
  /** The text stands alone, without iptables' name before it. */
  readonly bare?: true
}

export interface RuleErrorDetails {
  readonly span?: Span
  /** Left out where iptables has no words of its own for this; it exits with 2 then. */
  readonly refusal?: Refusal
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
  readonly refusal: Refusal | undefined

  constructor(code: RuleErrorCode, message: string, details: RuleErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.span = details.span
    this.hint = details.hint
    this.refusal = details.refusal
  }

  /** The same error with a place, where it has none yet. */
  at(span: Span): RuleError {
    if (this.span) return this
    const { code, message, hint, refusal } = this
    return new RuleError(code, message, { span, ...(hint && { hint }), ...(refusal && { refusal }) })
  }
}

/** An error whose words are iptables' own. */
export const refused = (
  code: RuleErrorCode,
  refusal: Refusal,
  details: { readonly span?: Span; readonly hint?: string } = {},
): RuleError => new RuleError(code, refusal.text.trim(), { ...details, refusal })

/** What iptables prints on standard error for this, with its line ends. */
export function printRefusal(error: RuleError, program: string, version: string): string {
  const { status, text, bare }: Refusal = error.refusal ?? { status: 2, text: error.message }
  if (status === 1) return `${program}: ${text}.\n`
  const said = text === '' && bare ? '' : `${bare ? '' : `${program} v${version}: `}${text}\n`
  if (status === 3) return `${said}Perhaps ${program} or your kernel needs to be upgraded.\n`
  return `${said}Try \`${program} -h' or '${program} --help' for more information.\n`
}

/** The exit status of a command that failed with this. */
export const refusalStatus = (error: RuleError): 1 | 2 | 3 => error.refusal?.status ?? 2

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
  return printable(lines.join('\n'))
}

/** `file:line:column`. */
export function place(span: Span): string {
  const { line, column } = position(span)
  return `${span.source.name}:${line}:${column}`
}

function excerpt(span: Span): string[] {
  const text = lineOf(span)
  const { column } = position(span)
  const from = column > SHOWN_COLUMNS ? column - SHOWN_COLUMNS / 2 : 0
  const shown = text.slice(from, from + SHOWN_COLUMNS)
  const indent = shown.slice(0, column - 1 - from).replace(/[^\t]/g, ' ')
  const width = Math.min(span.end - span.start, shown.length - indent.length)
  return [shown, `${indent}^${'~'.repeat(Math.max(0, width - 1))}`]
}

/** Control characters would move the caret, or worse, the terminal. */
const printable = (text: string): string => text.replace(/[^\t\n\x20-\x7e\u00a0-\uffff]/g, '?')
