import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineMatch } from '../extension.ts'
import { flag, type OptionUse, option, type ValueContext } from '../option.ts'
import { asTerm, listTerm, printTerm, type Term } from '../term.ts'
import { type AddressPrefix, parseAddressPrefix, printPrefix } from '../value/address-prefix.ts'
import { hex } from '../value/mark.ts'
import { maximum, parseNumber } from '../value/number.ts'
import { parseProtocol, printProtocol, protocols } from '../value/protocol.ts'
import { parseWord } from '../value/word.ts'

/** How IPsec has treated a packet (in), or will (out). */
export interface PolicyMatch {
  readonly kind: 'policy'
  readonly direction: 'in' | 'out'
  /** Absent: it must not be treated at all. */
  readonly ipsec?: PolicyPath
}

export interface PolicyPath {
  /** The transformations must be just these, in this order; otherwise the only element must be among them. */
  readonly strict: boolean
  readonly elements: readonly PolicyElement[]
}

/** One transformation; what is left out is not asked. */
export interface PolicyElement {
  readonly requestId?: Term<number>
  readonly spi?: Term<number>
  readonly protocol?: Term<number>
  readonly mode?: Term<'transport' | 'tunnel'>
  readonly tunnelSource?: Term<AddressPrefix>
  readonly tunnelDestination?: Term<AddressPrefix>
}

/** XT_POLICY_MAX_ELEM. */
const MOST_ELEMENTS = 4
const PROTOCOLS: readonly number[] = [protocols.ah, protocols.esp, protocols.ipcomp]

function parsePolicyProtocol(text: string): number {
  const protocol = parseProtocol(text)
  if (PROTOCOLS.includes(protocol)) return protocol
  throw new RuleError('ERR_VALUE', `${text} is no protocol of IPsec`, {
    hint: `protocols are ${PROTOCOLS.map(printProtocol).join(', ')}`,
  })
}

/** Of an element; may be given again behind a --next. */
const repeated = { negatable: true, repeatable: true } as const
const number = (what: string) => option(text => parseNumber(text, 0, maximum(32), what), repeated)
const network = option((text, { family }: ValueContext) => parseAddressPrefix(text, family), repeated)

export const policy = defineMatch<PolicyMatch>()({
  name: 'policy',
  options: {
    dir: option(text => parseWord(text, ['in', 'out'], 'direction'), { required: true }),
    pol: option(text => parseWord(text, ['none', 'ipsec'], 'policy')),
    strict: flag(),
    reqid: number('request id'),
    spi: number('SPI'),
    proto: option(parsePolicyProtocol, repeated),
    mode: option(text => parseWord(text, ['transport', 'tunnel'], 'mode'), repeated),
    'tunnel-src': network,
    'tunnel-dst': network,
    next: flag({ repeatable: true }),
  },
  placementOf: ({ direction }) => ({
    chains: direction === 'in' ? ['PREROUTING', 'INPUT', 'FORWARD'] : ['FORWARD', 'OUTPUT', 'POSTROUTING'],
  }),
  build(given, { uses }) {
    const direction = given.dir?.value ?? 'in'
    const strict = given.strict !== undefined
    const elements = readElements(uses, strict)
    if (given.pol?.value !== 'none') return { kind: 'policy', direction, ipsec: { strict, elements } }
    if (strict) throw new RuleError('ERR_OPTION', '--strict does not go with --pol none', span(given.strict))
    return { kind: 'policy', direction }
  },
  print: ({ direction, ipsec }) => {
    if (!ipsec) return ` --dir ${direction} --pol none`
    const elements = ipsec.elements.map(printElement).join(' --next')
    return ` --dir ${direction} --pol ipsec${ipsec.strict ? ' --strict' : ''}${elements}`
  },
  list: ({ direction, ipsec }, { numeric }) => {
    if (!ipsec) return ` policy match dir ${direction} pol none`
    const several = ipsec.elements.length > 1
    const elements = ipsec.elements.map(
      (element, index) => (several ? ` [${index}]` : '') + listElement(element, numeric),
    )
    return ` policy match dir ${direction} pol ipsec${ipsec.strict ? ' strict' : ''}${elements.join('')}`
  },
})

const span = (use: Pick<OptionUse, 'span'> | undefined) => (use ? { span: use.span } : {})

/** Splits the uses at each --next. */
function readElements(uses: readonly OptionUse[], strict: boolean): PolicyElement[] {
  const groups: Map<string, OptionUse>[] = [new Map()]
  for (const use of uses) {
    if (['dir', 'pol', 'strict'].includes(use.name)) continue
    const group = groups.at(-1)
    if (use.name === 'next') {
      if (!strict) throw new RuleError('ERR_OPTION', '--next needs --strict', span(use))
      groups.push(new Map())
    } else if (group?.has(use.name))
      throw new RuleError('ERR_OPTION', `--${use.name} is given twice`, {
        span: use.span,
        hint: 'a --next begins the next transformation',
      })
    else group?.set(use.name, use)
  }
  if (groups.length > MOST_ELEMENTS)
    throw new RuleError('ERR_OPTION', `${groups.length} transformations are too many`, {
      hint: `at most ${MOST_ELEMENTS}`,
    })
  return groups.map(group => readElement(group, strict))
}

function readElement(uses: ReadonlyMap<string, OptionUse>, strict: boolean): PolicyElement {
  const read = <T>(name: string): Term<T> | undefined => asTerm(uses.get(name) as Term<T> | undefined)
  const element: PolicyElement = defined({
    requestId: read<number>('reqid'),
    spi: read<number>('spi'),
    protocol: read<number>('proto'),
    mode: read<'transport' | 'tunnel'>('mode'),
    tunnelSource: read<AddressPrefix>('tunnel-src'),
    tunnelDestination: read<AddressPrefix>('tunnel-dst'),
  })
  if (strict && uses.size === 0)
    throw new RuleError('ERR_OPTION', 'with --strict each transformation must be described')
  const { mode, tunnelSource, tunnelDestination } = element
  const tunnel = mode && (mode.value === 'tunnel') !== mode.negated
  if ((tunnelSource || tunnelDestination) && !tunnel)
    throw new RuleError('ERR_OPTION', '--tunnel-src and --tunnel-dst need --mode tunnel')
  return element
}

const printElement = (element: PolicyElement): string =>
  printTerm('reqid', element.requestId, String) +
  printTerm('spi', element.spi, hex) +
  printTerm('proto', element.protocol, printProtocol) +
  printTerm('mode', element.mode, String) +
  printTerm('tunnel-dst', element.tunnelDestination, printPrefix) +
  printTerm('tunnel-src', element.tunnelSource, printPrefix)

const listElement = (element: PolicyElement, numeric: boolean): string =>
  listTerm('reqid', element.requestId) +
  listTerm('spi', element.spi, hex) +
  listTerm('proto', element.protocol, numeric ? String : printProtocol) +
  listTerm('mode', element.mode) +
  listTerm('tunnel-dst', element.tunnelDestination, printPrefix) +
  listTerm('tunnel-src', element.tunnelSource, printPrefix)
