// When two rules are the same to -C and -D: when the kernel would hold the same bytes for them, counters aside.

import type { Rule } from './rule.ts'

export function sameRule(a: Rule, b: Rule): boolean {
  return (
    sameValue(a.target, b.target) &&
    sameValue(a.source, b.source) &&
    sameValue(a.destination, b.destination) &&
    sameValue(a.protocol, b.protocol) &&
    sameValue(a.fragment, b.fragment) &&
    sameValue(asked(a.inInterface), asked(b.inInterface)) &&
    sameValue(asked(a.outInterface), asked(b.outInterface)) &&
    sameValue(a.matches, b.matches)
  )
}

/** `-i +` is for every name, as is no -i. */
const asked = (term: Rule['inInterface']): Rule['inInterface'] =>
  term && term.value.name === '' && term.value.wildcard && !term.negated ? undefined : term

/** The same data, wherever it was written. */
function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) return sameList(a, b)
  return sameFields(a as Fields, b as Fields)
}

type Fields = Readonly<Record<string, unknown>>

const sameList = (a: unknown, b: unknown): boolean =>
  Array.isArray(a) &&
  Array.isArray(b) &&
  a.length === b.length &&
  a.every((value, index) => sameValue(value, b[index]))

function sameFields(a: Fields, b: Fields): boolean {
  for (const name in a) if (name !== 'span' && !sameValue(a[name], b[name])) return false
  for (const name in b) if (name !== 'span' && a[name] === undefined && b[name] !== undefined) return false
  return true
}
