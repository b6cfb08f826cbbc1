import type { AddrtypeMatch, Family } from 'iptables-parser'
import { domain, pointOf } from '../field.ts'
import { type Step, setTerm } from '../test.ts'
import { complement, type IntervalSet, inclusive, intersect } from '../tree/interval.ts'
import { type MatchTranslator, Untranslatable } from './translate.ts'

type Types = NonNullable<AddrtypeMatch['source']>['value']
type AddressField = 'saddr' | 'daddr'

/** What the address alone says (net/netfilter/xt_addrtype.c); for the rest the kernel looks into its routing tables, which no program at netfilter can ask. */
export const addrtype: MatchTranslator<AddrtypeMatch> = ({ source, destination }, { family }) => [
  ...typeStep('saddr', source, family),
  ...typeStep('daddr', destination, family),
]

function typeStep(field: AddressField, asked: AddrtypeMatch['source'], family: Family): Step[] {
  if (!asked) return []
  const set = family === 4 ? ofIpv4(field, asked.value) : ofIpv6(field, asked.value)
  return [setTerm(field, family, set, asked.negated)]
}

function refuse(type: string, field: AddressField): never {
  const option = field === 'saddr' ? '-s' : '-d'
  throw new Untranslatable(
    `which addresses are ${type} is up to the routing tables, which a netfilter program cannot ask`,
    { hint: `name the addresses instead (${option} ADDRESS); MULTICAST can be asked for` },
  )
}

/** Types that a look-up of a route yields for some address; the others it yields for none. */
const ROUTED: readonly string[] = ['UNICAST', 'LOCAL', 'BROADCAST', 'ANYCAST']

function ofIpv4(field: AddressField, types: Types): IntervalSet {
  const routed = types.find(type => ROUTED.includes(type))
  if (routed !== undefined) return refuse(routed, field)
  return types.includes('MULTICAST') ? inclusive(0xe000_0000, 0xefff_ffff) : []
}

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
