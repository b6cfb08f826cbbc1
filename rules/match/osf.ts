import { defined } from '../defined.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { asTerm, printTerm, showTerm, type Term, term } from '../term.ts'
import { parseName, printName } from '../value/name.ts'
import { parseNumber } from '../value/number.ts'
import { protocols } from '../value/protocol.ts'

export interface OsfMatch {
  readonly kind: 'osf'
  /** Operating system, as the fingerprints loaded into the kernel name it. */
  readonly genre: Term<string>
  /** 0: the TTL must be the fingerprint's; 1: at most that; 2: it is not looked at. */
  readonly ttl?: number
  /** 0: log all; 1: log the first; 2: log all that are known. */
  readonly log?: number
}

/** MAXGENRELEN, with its NUL. */
const SIZE = 32

const level = option(text => parseNumber(text, 0, 2, 'level'))

export const osf = defineMatch<OsfMatch>()({
  name: 'osf',
  chains: ['PREROUTING', 'INPUT', 'FORWARD'],
  families: [4],
  protocols: [protocols.tcp],
  options: {
    genre: option(text => parseName(text, SIZE, 'genre'), { negatable: true, required: true }),
    ttl: level,
    log: level,
  },
  build: given => ({
    kind: 'osf',
    genre: asTerm(given.genre) ?? term(''),
    ...defined({ ttl: given.ttl?.value, log: given.log?.value }),
  }),
  print: match =>
    printTerm('genre', match.genre, printName) +
    (match.ttl === undefined ? '' : ` --ttl ${match.ttl}`) +
    (match.log === undefined ? '' : ` --log ${match.log}`),
  list: match => ` OS fingerprint match ${showTerm(match.genre, String, '! ')}`,
})
