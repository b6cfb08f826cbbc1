import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { asTerm, listTerm, printTerm, type Term, term } from '../term.ts'
import { type MaskedMark, parseMark, printMark } from '../value/mark.ts'
import { maximum } from '../value/number.ts'

export interface RealmMatch {
  readonly kind: 'realm'
  /** Of the route the packet takes. */
  readonly realm: Term<MaskedMark>
}

/** The one name that the rt_realms file of iproute2 comes with. */
const COSMOS: MaskedMark = { value: 0, mask: maximum(32) }

const isCosmos = ({ value, mask }: MaskedMark): boolean => value === COSMOS.value && mask === COSMOS.mask

export const realm = defineMatch<RealmMatch>()({
  name: 'realm',
  families: [4],
  chains: ['INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  options: {
    realm: option(text => (text === 'cosmos' ? COSMOS : parseMark(text, 'realm')), {
      negatable: true,
      required: true,
    }),
  },
  build: given => ({ kind: 'realm', realm: asTerm(given.realm) ?? term(COSMOS) }),
  print: match => printTerm('realm', match.realm, printRealm),
  list: (match, { numeric }) => listTerm('realm', match.realm, numeric ? printMark : printRealm),
})

const printRealm = (value: MaskedMark): string => (isCosmos(value) ? 'cosmos' : printMark(value))
