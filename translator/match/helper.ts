import type { HelperMatch } from 'iptables-parser'
import { domain } from '../field.ts'
import { setTerm } from '../test.ts'
import { complement, type IntervalSet, normalise, single } from '../tree/interval.ts'
import type { MatchTranslator } from './translate.ts'

/** Bytes of a helper's name in the kernel, with its NUL. */
const NAME_BYTES = 16

/** net/netfilter/xt_helper.c: a name matches each helper whose own name it begins with, and no name all of them. */
export const helper: MatchTranslator<HelperMatch> = ({ helper: { value, negated } }, { family }) => {
  const none = single(0n)
  const set = value === '' ? complement(none, domain('cthelper', family)) : beginningsOf(value)
  return [setTerm('cthelper', family, set, negated)]
}

/** As numbers with the first character in the highest bits, filled up with NULs. */
function beginningsOf(name: string): IntervalSet {
  const bytes = [...unescape(encodeURIComponent(name))].map(character => BigInt(character.charCodeAt(0)))
  const longest = Math.min(bytes.length, NAME_BYTES - 1)
  return normalise(
    Array.from({ length: longest }, (_, index) =>
      single(
        bytes.slice(0, index + 1).reduce((sum, byte) => (sum << 8n) | byte, 0n) <<
          BigInt(8 * (NAME_BYTES - 1 - index)),
      ),
    ).flat(),
  )
}
