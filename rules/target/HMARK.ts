import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineTarget, type ListContext } from '../extension.ts'
import type { Family } from '../family.ts'
import { type OptionUse, option } from '../option.ts'
import { printValue } from '../term.ts'
import { addressBits, parseMask, prefixLength } from '../value/address.ts'
import { hex as markHex } from '../value/mark.ts'
import { maximum, parseNumber } from '../value/number.ts'

/** What is taken of a header field: its bits in `mask`, all unless given, with those of `set` put in. */
export interface HashedField {
  readonly mask?: number
  readonly set?: number
}

/** Marks a packet with a hash of its headers, so that packets of one flow get one mark. */
export interface HmarkTarget {
  readonly kind: 'HMARK'
  /** Leading bits of the address that count. */
  readonly sourcePrefix?: number
  readonly destinationPrefix?: number
  readonly sourcePort?: HashedField
  readonly destinationPort?: HashedField
  readonly spi?: HashedField
  readonly protocolMask?: number
  readonly seed: number
  /** The mark is the hash modulo this, */
  readonly modulus: number
  /** plus this. */
  readonly offset?: number
  /** The headers are those that connection tracking saw first. */
  readonly conntrack: boolean
}

const PARTS = ['src', 'dst', 'sport', 'dport', 'spi', 'proto', 'ct'] as const
type Part = (typeof PARTS)[number]

/** The option that says how much of a part counts. */
const MASKS = {
  src: 'hmark-src-prefix',
  dst: 'hmark-dst-prefix',
  sport: 'hmark-sport-mask',
  dport: 'hmark-dport-mask',
  spi: 'hmark-spi-mask',
  proto: 'hmark-proto-mask',
} as const
type MaskedPart = keyof typeof MASKS

function parseTuple(text: string): readonly Part[] {
  const words = text.toLowerCase().split(',')
  const unknown = words.find(word => !PARTS.some(part => part === word))
  if (unknown !== undefined)
    throw new RuleError('ERR_VALUE', `"${unknown}" is not a part of a packet that can be hashed`, {
      hint: `write a list such as src,dst; parts are ${PARTS.join(', ')}`,
    })
  return PARTS.filter(part => words.includes(part))
}

/** A mask that is no prefix, which iptables would take for all bits, is refused. */
function parsePrefix(text: string, family: Family): number {
  const length = prefixLength(family, parseMask(text, family))
  if (length === undefined) throw new RuleError('ERR_VALUE', `the mask ${text} is no prefix`)
  return length
}

const prefix = option((text, { family }) => parsePrefix(text, family))
const number = (bits: number, low = 0, required = false) =>
  option(text => parseNumber(text, low, maximum(bits), 'number'), { required })

export const HMARK = defineTarget<HmarkTarget>()({
  name: 'HMARK',
  options: {
    'hmark-tuple': option(parseTuple),
    'hmark-src-prefix': prefix,
    'hmark-dst-prefix': prefix,
    'hmark-sport-mask': number(16),
    'hmark-dport-mask': number(16),
    'hmark-spi-mask': number(32),
    'hmark-sport': number(16),
    'hmark-dport': number(16),
    'hmark-spi': number(32),
    'hmark-proto-mask': number(16),
    'hmark-rnd': number(32, 0, true),
    'hmark-mod': number(32, 1, true),
    'hmark-offset': number(32),
  },
  build(given, { family, uses }) {
    const tuple = given['hmark-tuple']?.value ?? []
    checkOrder(tuple, uses)
    /** A part named in the tuple counts whole, whatever its mask. */
    const mask = (name: MaskedPart, whole: number): number | undefined =>
      tuple.includes(name) ? whole : given[MASKS[name]]?.value
    const parts = {
      sourcePrefix: mask('src', addressBits(family)),
      destinationPrefix: mask('dst', addressBits(family)),
      sourcePort: field(mask('sport', maximum(16)), given['hmark-sport']),
      destinationPort: field(mask('dport', maximum(16)), given['hmark-dport']),
      spi: field(mask('spi', maximum(32)), given['hmark-spi']),
      protocolMask: mask('proto', maximum(16)),
      offset: given['hmark-offset']?.value,
    }
    const [seed, modulus] = [given['hmark-rnd']?.value ?? 0, given['hmark-mod']?.value ?? 1]
    const target = { ...defined(parts), seed, modulus, conntrack: tuple.includes('ct') }
    checkParts(target)
    return { kind: 'HMARK', ...target }
  },
  print: target =>
    printValue('hmark-src-prefix', target.sourcePrefix) +
    printValue('hmark-dst-prefix', target.destinationPrefix) +
    printValue('hmark-sport-mask', target.sourcePort?.mask, hex(4)) +
    printValue('hmark-dport-mask', target.destinationPort?.mask, hex(4)) +
    printValue('hmark-spi-mask', target.spi?.mask, hex(8)) +
    printValue('hmark-sport', target.sourcePort?.set, hex(4)) +
    printValue('hmark-dport', target.destinationPort?.set, hex(4)) +
    printValue('hmark-spi', target.spi?.set, hex(8)) +
    printValue('hmark-proto-mask', target.protocolMask, hex(2)) +
    printValue('hmark-rnd', target.seed, hex(8)) +
    printValue('hmark-mod', target.modulus) +
    printValue('hmark-offset', target.offset) +
    (target.conntrack ? ' --hmark-tuple ct' : ''),
  list,
})

/** Each part ends with a blank. */
function list(target: HmarkTarget, { family }: ListContext): string {
  // of an IPv6 address that counts whole no length is shown
  const prefix = (length: number): string => (family === 6 && length === addressBits(6) ? '' : `${length}`)
  return (
    ` HMARK mod ${target.modulus}` +
    (target.offset === undefined ? ' ' : ` + ${markHex(target.offset)} `) +
    (target.conntrack ? 'ct, ' : '') +
    listPart('src-prefix', target.sourcePrefix, prefix) +
    listPart('dst-prefix', target.destinationPrefix, prefix) +
    listPart('sport-mask', target.sourcePort?.mask) +
    listPart('dport-mask', target.destinationPort?.mask) +
    listPart('spi-mask', target.spi?.mask) +
    listPart('sport', target.sourcePort?.set) +
    listPart('dport', target.destinationPort?.set) +
    listPart('spi', target.spi?.set) +
    listPart('proto-mask', target.protocolMask) +
    listPart('rnd', target.seed)
  )
}

const listPart = (
  name: string,
  value: number | undefined,
  print: (value: number) => string = markHex,
): string => (value === undefined ? '' : `${name} ${print(value)} `)

const field = (
  mask: number | undefined,
  set: { readonly value: number } | undefined,
): HashedField | undefined => (mask === undefined && !set ? undefined : defined({ mask, set: set?.value }))

/** The tuple takes the place of masks before it; a mask behind it would say twice how much of the part counts. */
function checkOrder(tuple: readonly Part[], uses: readonly OptionUse[]): void {
  const at = uses.findIndex(use => use.name === 'hmark-tuple')
  const named = tuple.map(part => (part === 'ct' ? undefined : MASKS[part]))
  const second = uses.slice(at + 1).find(use => named.some(name => name === use.name))
  if (second)
    throw new RuleError('ERR_OPTION', `--hmark-tuple has said already how much --${second.name} takes`, {
      span: second.span,
    })
}

function checkParts(target: Omit<HmarkTarget, 'kind'>): void {
  const { sourcePrefix, destinationPrefix, sourcePort, destinationPort, spi, protocolMask, conntrack } =
    target
  const parts = [sourcePrefix, destinationPrefix, sourcePort, destinationPort, spi, protocolMask]
  if (!conntrack && parts.every(part => part === undefined))
    throw new RuleError('ERR_OPTION', 'HMARK needs something to hash', {
      hint: 'give --hmark-tuple, a list such as src,dst',
    })
  const ports = [sourcePort, destinationPort]
  const both = (key: keyof HashedField): boolean =>
    spi?.[key] !== undefined && ports.some(port => port?.[key] !== undefined)
  if (both('mask') || both('set'))
    throw new RuleError('ERR_OPTION', 'HMARK hashes either ports or an SPI', {
      hint: 'a packet of AH or ESP has no ports, others have no SPI; write two rules',
    })
}

const hex =
  (digits: number) =>
  (value: number): string =>
    `0x${value.toString(16).padStart(digits, '0')}`
