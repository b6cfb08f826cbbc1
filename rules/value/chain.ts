import { refused } from '../error.ts'
import { findTarget } from '../registry.ts'
import type { Span } from '../span.ts'
import { utf8Length } from './quote.ts'

/** XT_EXTENSION_MAXNAMELEN, with its NUL. */
const SIZE = 29

/** A chain's name where a chain is spoken of: it only must not be too long. */
export function checkChainName(name: string, span: Span): void {
  if (utf8Length(name) >= SIZE)
    throw refused(
      'ERR_CHAIN',
      { status: 2, text: `chain name \`${name}' too long (must be under ${SIZE} chars)` },
      { span, hint: `at most ${SIZE - 1} bytes` },
    )
}

/** The name of a chain that -N is to make. */
export function checkNewChainName(name: string, span: Span): void {
  checkChainName(name, span)
  if (/^[-!]/.test(name))
    throw refused(
      'ERR_CHAIN',
      { status: 2, text: `chain name not allowed to start with \`${name.charAt(0)}'` },
      { span },
    )
  if (name === '' || findTarget(name))
    throw refused(
      'ERR_CHAIN',
      { status: 2, text: 'chain name may not clash with target name' },
      { span, hint: `"${name}" is a target` },
    )
  if (/\s/.test(name))
    throw refused('ERR_CHAIN', { status: 2, text: `Invalid chain name \`${name}'` }, { span })
}

/** What -j and -g name. */
export function checkTargetName(name: string, span: Span): void {
  if (name !== '' && !/\s/.test(name) && utf8Length(name) < SIZE) return
  const text =
    name === ''
      ? 'Invalid target name (too short)'
      : `Invalid target name \`${name}'${utf8Length(name) < SIZE ? '' : ` (${SIZE - 1} chars max)`}`
  throw refused('ERR_CHAIN', { status: 2, text }, { span })
}

/** libiptc cuts a new name that is too long to this many bytes, where it refuses such a name everywhere else. */
export function shortenedName(name: string): string {
  let short = name
  while (utf8Length(short) > SIZE) short = short.slice(0, -1)
  return short
}
