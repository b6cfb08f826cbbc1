import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import { flag, option, pair } from '../option.ts'
import { listFlag, listValue, printFlag, printValue } from '../term.ts'
import { parseName, printName } from '../value/name.ts'
import { maximum, parseNumber } from '../value/number.ts'

/** A set of ipset(8), and which side of the packet each of its dimensions is taken from. */
export interface SetReference {
  readonly name: string
  readonly sides: readonly ('src' | 'dst')[]
}

export interface SetAddition extends SetReference {
  /** An element that is there already gets a new timeout. */
  readonly exist: boolean
  /** Seconds; absent: what the set says. */
  readonly timeout?: number
}

/** The packet gets what the set holds with its element. */
export interface SetMapping extends SetReference {
  readonly mark: boolean
  readonly priority: boolean
  readonly queue: boolean
}

export interface SetTarget {
  readonly kind: 'SET'
  readonly add?: SetAddition
  readonly remove?: SetReference
  readonly map?: SetMapping
}

/** IPSET_MAXNAMELEN and IPSET_DIM_MAX. */
const NAME_SIZE = 32
const LAST_DIMENSION = 6

function parseReference(name: string, sides: string): SetReference {
  const words = sides.split(',')
  const [...known] = words.filter(word => word === 'src' || word === 'dst')
  if (known.length !== words.length)
    throw new RuleError('ERR_VALUE', `"${sides}" is not a list of src and dst`)
  if (known.length > LAST_DIMENSION)
    throw new RuleError('ERR_VALUE', `a set has at most ${LAST_DIMENSION} dimensions`)
  return { name: parseName(name, NAME_SIZE, 'set'), sides: known }
}

const set = pair(parseReference)
const mapped = flag({ repeatable: true })

export const SET = defineTarget<SetTarget>()({
  name: 'SET',
  options: {
    'add-set': set,
    'del-set': set,
    'map-set': set,
    exist: flag({ repeatable: true }),
    timeout: option(text => parseNumber(text, 0, maximum(32) - 1, 'timeout')),
    'map-mark': mapped,
    'map-prio': mapped,
    'map-queue': mapped,
  },
  requiresOneOf: ['add-set', 'del-set', 'map-set'],
  build(given) {
    const { 'add-set': add, 'del-set': remove, 'map-set': map, exist, timeout } = given
    const mapping = {
      mark: given['map-mark'] !== undefined,
      priority: given['map-prio'] !== undefined,
      queue: given['map-queue'] !== undefined,
    }
    if (!add && (exist || timeout))
      throw new RuleError('ERR_OPTION', '--exist and --timeout go with --add-set alone')
    if ((map !== undefined) !== Object.values(mapping).includes(true))
      throw new RuleError(
        'ERR_OPTION',
        '--map-set needs --map-mark, --map-prio or --map-queue, and they need it',
      )
    const parts = {
      add: add && { ...add.value, exist: exist !== undefined, ...defined({ timeout: timeout?.value }) },
      remove: remove?.value,
      map: map && { ...map.value, ...mapping },
    }
    return { kind: 'SET', ...defined(parts) }
  },
  placementOf: ({ map }) => ({
    ...(map && { tables: ['mangle'] }),
    ...((map?.priority || map?.queue) && { chains: ['FORWARD', 'OUTPUT', 'POSTROUTING'] }),
  }),
  print: ({ add, remove, map }) =>
    printValue('add-set', add, printAddition) +
    printValue('del-set', remove, printReference) +
    printValue('map-set', map, printMapping),
  list: ({ add, remove, map }) =>
    listValue('add-set', add, listAddition) +
    listValue('del-set', remove, listReference) +
    listValue('map-set', map, listMapping),
})

const printReference = ({ name, sides }: SetReference): string => `${printName(name)} ${sides.join(',')}`

const printAddition = (add: SetAddition): string =>
  printReference(add) + printFlag('exist', add.exist) + printValue('timeout', add.timeout)

const printMapping = (map: SetMapping): string =>
  printReference(map) +
  printFlag('map-mark', map.mark) +
  printFlag('map-prio', map.priority) +
  printFlag('map-queue', map.queue)

const listReference = ({ name, sides }: SetReference): string => `${name} ${sides.join(',')}`

const listAddition = (add: SetAddition): string =>
  listReference(add) + listFlag('exist', add.exist) + listValue('timeout', add.timeout)

const listMapping = (map: SetMapping): string =>
  listReference(map) +
  listFlag('map-mark', map.mark) +
  listFlag('map-prio', map.priority) +
  listFlag('map-queue', map.queue)
