import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineMatch } from '../extension.ts'
import { flag, type Given, option, pair } from '../option.ts'
import { listTerm, printTerm, type Term, term } from '../term.ts'
import { parseBigNumber } from '../value/big-number.ts'
import { parseName, printName } from '../value/name.ts'

/** An ipset and which fields of the packet are looked up in it. */
export interface SetLookup {
  readonly name: string
  /** One for each dimension of the set. */
  readonly fields: readonly ('src' | 'dst')[]
}

/** What a counter of the entry found must be. */
export interface SetCounter {
  readonly operator: 'eq' | 'ne' | 'lt' | 'gt'
  readonly value: bigint
}

export interface SetMatch {
  readonly kind: 'set'
  readonly lookup: Term<SetLookup>
  /** An entry flagged nomatch matches after all. */
  readonly returnNomatch: boolean
  readonly updateCounters: boolean
  readonly updateSubcounters: boolean
  readonly packets?: SetCounter
  readonly bytes?: SetCounter
}

/** IPSET_MAXNAMELEN, with its NUL, and IPSET_DIM_MAX. */
const NAME_SIZE = 32
const MOST_FIELDS = 6

export function parseSetLookup(name: string, list: string): SetLookup {
  const fields = list.split(',').map(field => {
    if (field === 'src' || field === 'dst') return field
    throw new RuleError('ERR_VALUE', `"${field}" is neither src nor dst`, {
      hint: 'write one of them for each dimension of the set, as in src,dst',
    })
  })
  if (fields.length > MOST_FIELDS)
    throw new RuleError('ERR_VALUE', `${fields.length} fields are too many`, {
      hint: `a set has at most ${MOST_FIELDS} dimensions`,
    })
  return { name: parseName(name, NAME_SIZE, 'set'), fields }
}

export const printSetLookup = ({ name, fields }: SetLookup): string =>
  `${printName(name)} ${fields.join(',')}`

const listSetLookup = ({ name, fields }: SetLookup): string => `${name} ${fields.join(',')}`

const counter = (field: string, operator: 'eq' | 'lt' | 'gt') =>
  option((text): SetCounter => ({ operator, value: parseBigNumber(text, 'counter') }), {
    negatable: operator === 'eq',
    excludes: ['eq', 'lt', 'gt'].filter(other => other !== operator).map(other => `${field}-${other}`),
  })

/** --set is the old name of --match-set. */
export const set = defineMatch<SetMatch>()({
  name: 'set',
  options: {
    'match-set': pair(parseSetLookup, { aliases: ['set'], negatable: true, required: true }),
    'return-nomatch': flag(),
    'update-counters': flag({ negatable: true }),
    'update-subcounters': flag({ negatable: true }),
    'packets-eq': counter('packets', 'eq'),
    'packets-lt': counter('packets', 'lt'),
    'packets-gt': counter('packets', 'gt'),
    'bytes-eq': counter('bytes', 'eq'),
    'bytes-lt': counter('bytes', 'lt'),
    'bytes-gt': counter('bytes', 'gt'),
  },
  build(given) {
    const lookup = given['match-set']
    return {
      kind: 'set',
      lookup: term(lookup?.value ?? { name: '', fields: [] }, lookup?.negated),
      returnNomatch: given['return-nomatch'] !== undefined,
      updateCounters: given['update-counters']?.negated !== true,
      updateSubcounters: given['update-subcounters']?.negated !== true,
      ...defined({
        packets: counterOf(given['packets-eq'] ?? given['packets-lt'] ?? given['packets-gt']),
        bytes: counterOf(given['bytes-eq'] ?? given['bytes-lt'] ?? given['bytes-gt']),
      }),
    }
  },
  print: match =>
    printTerm('match-set', match.lookup, printSetLookup) +
    (match.returnNomatch ? ' --return-nomatch' : '') +
    (match.updateCounters ? '' : ' ! --update-counters') +
    (match.updateSubcounters ? '' : ' ! --update-subcounters') +
    printCounter('packets', match.packets) +
    printCounter('bytes', match.bytes),
  list: match =>
    listTerm('match-set', match.lookup, listSetLookup) +
    (match.returnNomatch ? ' return-nomatch' : '') +
    (match.updateCounters ? '' : ' ! update-counters') +
    (match.updateSubcounters ? '' : ' ! update-subcounters') +
    listCounter('packets', match.packets) +
    listCounter('bytes', match.bytes),
})

const counterOf = (given: Given<SetCounter> | undefined): SetCounter | undefined =>
  given?.negated ? { operator: 'ne', value: given.value.value } : given?.value

function printCounter(field: string, given: SetCounter | undefined): string {
  if (!given) return ''
  const { operator, value } = given
  return operator === 'ne' ? ` ! --${field}-eq ${value}` : ` --${field}-${operator} ${value}`
}

function listCounter(field: string, given: SetCounter | undefined): string {
  if (!given) return ''
  const { operator, value } = given
  return operator === 'ne' ? ` ! ${field}-eq ${value}` : ` ${field}-${operator} ${value}`
}
