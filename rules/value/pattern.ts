import { RuleError } from '../error.ts'
import { utf8Bytes } from './quote.ts'

/** Bytes to look for. */
export type Pattern = readonly number[]

/** XT_STRING_MAX_PATTERN_SIZE. */
const MOST_BYTES = 128

export function parsePattern(text: string): Pattern {
  return checkPattern(utf8Bytes(text))
}

/** Text with bytes between bars, as `GET |0d 0a|`; a backslash in the text takes the next character as it is. */
export function parseHexPattern(text: string): Pattern {
  const bytes: number[] = []
  for (let at = 0; at < text.length; ) {
    if (text[at] === '|') {
      const end = text.indexOf('|', at + 1)
      bytes.push(...readBlock(text, at + 1, end))
      at = end + 1
    } else {
      if (text[at] === '\\') at++
      const character = String.fromCodePoint(
        text.codePointAt(at) ?? fail('the pattern ends with a backslash'),
      )
      bytes.push(...utf8Bytes(character))
      at += character.length
    }
  }
  return checkPattern(bytes)
}

/** Pairs of hexadecimal digits, one blank at most behind each and before the first. */
function readBlock(text: string, start: number, end: number): number[] {
  if (end < 0) fail('a "|" is opened but not closed')
  // iptables would read the second of two blocks side by side as text
  if (text[end + 1] === '|') fail('two blocks of bytes stand side by side', 'write them as one')
  const block = text.slice(start, end)
  if (!/^ ?([\da-f]{2} ?)+$/i.test(block))
    fail(`"${block}" is not bytes in hexadecimal`, 'write two digits a byte, as |0d 0a| or |0d0a|')
  return (block.match(/[\da-f]{2}/gi) ?? []).map(byte => Number.parseInt(byte, 16))
}

function checkPattern(bytes: Pattern): Pattern {
  if (bytes.length === 0) fail('there is nothing to look for')
  if (bytes.length > MOST_BYTES) fail('the pattern is too long', `at most ${MOST_BYTES} bytes`)
  return bytes
}

function fail(message: string, hint?: string): never {
  throw new RuleError('ERR_VALUE', message, hint === undefined ? {} : { hint })
}

const isPrintable = (byte: number): boolean => byte >= 0x20 && byte < 0x7f

/** With its option: as text where all of it can be printed, else all of it in hexadecimal. */
export const printPattern = (bytes: Pattern): string =>
  `--${bytes.every(isPrintable) ? '' : 'hex-'}string ${listPattern(bytes)}`

/** As printPattern, without the option. */
export function listPattern(bytes: Pattern): string {
  if (!bytes.every(isPrintable))
    return `"|${bytes.map(byte => byte.toString(16).padStart(2, '0')).join('')}|"`
  return `"${String.fromCharCode(...bytes).replace(/["\\]/g, character => `\\${character}`)}"`
}

/** Where the pattern first lies in the bytes from `start` on; -1 where it does not. */
export function findPattern(bytes: Uint8Array, pattern: Pattern, start: number, ignoreCase: boolean): number {
  const fold = (byte: number): number => (ignoreCase && byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte)
  for (let at = start; at + pattern.length <= bytes.length; at++)
    if (pattern.every((byte, index) => fold(byte) === fold(bytes[at + index] ?? 0))) return at
  return -1
}
