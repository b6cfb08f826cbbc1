import type { AddrtypeMatch, Family } from 'iptables-parser'
import { addressType, domain, pointOf } from '../field.ts'
import { type Step, setTerm } from '../test.ts'
import { complement, type IntervalSet, inclusive, intersect, normalise, single } from '../tree/interval.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'

type Types = NonNullable<AddrtypeMatch['source']>['value']
type AddressField = 'saddr' | 'daddr'

/** What routing says of an address (net/netfilter/xt_addrtype.c). */
export const addrtype: MatchTranslator<AddrtypeMatch> = ({ source, destination, limit }, { family }) => {
  if (limit && family === 4)
    throw new Untranslatable(
      `--limit-iface-${limit} asks for the routes of one device, which a VRF may have of its own`,
      {
        hint: 'ask for the type of the address alone, and for the device with -i or -o',
      },
    )
  return [...typeStep('saddr', source, family), ...typeStep('daddr', destination, family)]
}

function typeStep(field: AddressField, asked: AddrtypeMatch['source'], family: Family): Step[] {
  if (!asked) return []
  if (family === 4) return [setTerm(`${field}-type`, 4, ofIpv4(asked.value), asked.negated)]
  return [setTerm(field, 6, ofIpv6(field, asked.value), asked.negated)]
}

function refuse(type: string, field: AddressField): never {
  const option = field === 'saddr' ? '-s' : '-d'
  throw new Untranslatable(
    `which IPv6 addresses are ${type} is up to policy rules and routing tables, which a program cannot ask`,
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
