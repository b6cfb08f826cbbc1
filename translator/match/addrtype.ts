import type { AddrtypeMatch } from 'iptables-parser'
import { type AddressField, addressTypeField } from '../address-type-field.ts'
import { addressType, domain, pointOf } from '../field.ts'
import { type Step, setTerm } from '../test.ts'
import { complement, type IntervalSet, inclusive, intersect, normalise, single } from '../tree/interval.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'

type Types = NonNullable<AddrtypeMatch['source']>['value']

/** What routing says of an address (net/netfilter/xt_addrtype.c). */
export const addrtype: MatchTranslator<AddrtypeMatch> = ({ source, destination, limit }, { family }) => {
  const typeStep = (address: AddressField, asked: AddrtypeMatch['source']): Step[] => {
    if (!asked) return []
    if (family === 6) return [setTerm(address, 6, ofIpv6(address, asked.value), asked.negated)]
    return [setTerm(addressTypeField(address, limit ?? ''), 4, ofIpv4(asked.value), asked.negated)]
  }
  return [...typeStep('saddr', source), ...typeStep('daddr', destination)]
}

function refuse(type: string, field: AddressField): never {
  const option = field === 'saddr' ? '-s' : '-d'
  throw new Untranslatable(
    `which IPv6 addresses are ${type} is up to what earlier look-ups of routes left behind, and a program cannot leave it`,
    { hint: `name the addresses instead (${option} ADDRESS); MULTICAST and UNICAST can be asked for` },
  )
}

/** Types that no look-up yields (UNSPEC, and those of routes that are errors) fit no address. */
const ofIpv4 = (types: Types): IntervalSet =>
  normalise(
    types.flatMap(type => {
      const value = (addressType as Readonly<Partial<Record<Types[number], number>>>)[type]
      return value === undefined ? [] : single(value)
    }),
  )

/** In IPv6 an address must be all that is named. */
function ofIpv6(field: AddressField, types: Types): IntervalSet {
  const all = domain(field, 6)
  return types.reduce<IntervalSet>((set, type) => intersect(set, ofIpv6Type(field, type)), [all])
}

const wide = (low: bigint, high: bigint): IntervalSet =>
  inclusive(pointOf('saddr', 6, low), pointOf('saddr', 6, high))

const MULTICAST = wide(0xffn << 120n, (1n << 128n) - 1n)
const UNSPECIFIED = wide(0n, 0n)
/** ::ffff:0:0/96 */
const MAPPED = wide(0xffffn << 32n, 0xffff_ffff_ffffn)

function ofIpv6Type(field: AddressField, type: Types[number]): IntervalSet {
  if (type === 'MULTICAST') return MULTICAST
  if (type === 'UNSPEC') return UNSPECIFIED
  if (type !== 'UNICAST') return refuse(type, field)
  return [...UNSPECIFIED, ...MAPPED, ...MULTICAST].reduce(
    (set, none) => intersect(set, complement([none], domain(field, 6))),
    [domain(field, 6)] as IntervalSet,
  )
}
