import { defined } from '../defined.ts'
import { RuleError } from '../error.ts'
import { defineMatch, type ListContext } from '../extension.ts'
import { flag, type Given, type OptionUse, option, optional } from '../option.ts'
import { type Term, term } from '../term.ts'
import { parseByteRate, printByteRate } from '../value/bit-rate.ts'
import { parseName, printName } from '../value/name.ts'
import { maximum, parseNumber } from '../value/number.ts'

const COMPARISONS = ['lt', 'gt', 'eq'] as const
export type RateComparison = (typeof COMPARISONS)[number]

/**
 * Compares the rate of one estimator (made with -j RATEEST) to a fixed rate, or to that of another estimator. With `delta` what is
 * compared is by how much each estimator exceeds a rate of its own.
 */
export interface RateestMatch {
  readonly kind: 'rateest'
  readonly unit: 'bps' | 'pps'
  readonly comparison: Term<RateComparison>
  readonly delta: boolean
  readonly first: string
  /** Bytes or packets per second, as `unit` says; not looked at without `delta`. */
  readonly firstRate: number
  /** The other estimator; absent: compare to `secondRate`. */
  readonly second?: string
  readonly secondRate: number
}

/** IFNAMSIZ, with its NUL. */
const NAME_SIZE = 16

const estimator = (excludes: readonly string[], aliases: readonly string[] = []) =>
  option(text => parseName(text, NAME_SIZE, 'rate estimator'), { excludes, aliases })
const comparison = (name: RateComparison) =>
  flag({
    negatable: true,
    excludes: COMPARISONS.filter(other => other !== name).map(other => `rateest-${other}`),
  })
const BPS = ['rateest-bps', 'rateest-bps1', 'rateest-bps2'] as const
const PPS = ['rateest-pps', 'rateest-pps1', 'rateest-pps2'] as const
/** iptables takes both units, but the kernel then compares only bytes and iptables-save prints what cannot be read back. */
const bps = optional(text => (text === undefined ? 0 : parseByteRate(text)), { excludes: PPS })
const pps = optional(text => (text === undefined ? 0 : parseNumber(text, 0, maximum(32), 'rate')), {
  excludes: BPS,
})

export const rateest = defineMatch<RateestMatch>()({
  name: 'rateest',
  options: {
    rateest: estimator(['rateest1', 'rateest2']),
    rateest1: estimator(['rateest']),
    rateest2: estimator(['rateest']),
    'rateest-delta': flag(),
    'rateest-lt': comparison('lt'),
    'rateest-gt': comparison('gt'),
    'rateest-eq': comparison('eq'),
    'rateest-bps': bps,
    'rateest-bps1': bps,
    'rateest-bps2': bps,
    'rateest-pps': pps,
    'rateest-pps1': pps,
    'rateest-pps2': pps,
  },
  build(given, { uses }) {
    const first = given.rateest ?? given.rateest1
    const operator = COMPARISONS.find(name => given[`rateest-${name}`])
    const unit = PPS.some(name => given[name]) ? 'pps' : 'bps'
    if (!first) throw new RuleError('ERR_OPTION', 'rateest needs --rateest or --rateest1')
    if (!operator) throw new RuleError('ERR_OPTION', 'rateest needs one of --rateest-lt, -gt and -eq')
    if (![...BPS, ...PPS].some(name => given[name]))
      throw new RuleError('ERR_OPTION', 'rateest needs --rateest-bps or --rateest-pps')
    if (given.rateest1 && !given.rateest2)
      throw new RuleError('ERR_OPTION', '--rateest1 needs --rateest2', { span: given.rateest1.span })
    return {
      kind: 'rateest',
      unit,
      comparison: term(operator, given[`rateest-${operator}`]?.negated),
      delta: given['rateest-delta'] !== undefined,
      first: first.value,
      ...rates(uses, given),
      ...defined({ second: given.rateest2?.value }),
    }
  },
  print,
  list,
})

/** Under -n rates in bytes are plain numbers. With one estimator what bytes are compared to stands before the comparison. */
function list(match: RateestMatch, { numeric }: ListContext): string {
  const { unit, comparison: compare, delta, second } = match
  const print = unit === 'bps' && !numeric ? printByteRate : String
  const firstRate = delta ? ` ${print(match.firstRate)}` : ''
  const rate = delta || second === undefined ? ` ${print(match.secondRate)}` : ''
  const how = `${compare.negated ? ' !' : ''} ${compare.value}`
  const other = second === undefined ? rate : ` ${second} ${unit}${rate}`
  const compared = unit === 'bps' && second === undefined ? other + how : how + other
  return ` rateest match ${match.first}${delta ? ' delta' : ''} ${unit}${firstRate}${compared}`
}

/** Which rate is used for what. Without --rateest-delta two estimators are compared as they are. */
function rates(
  uses: readonly OptionUse[],
  given: { readonly 'rateest-delta'?: Given<true>; readonly rateest2?: Given<string> },
): Pick<RateestMatch, 'firstRate' | 'secondRate'> {
  const last = (...endings: readonly string[]): number => {
    const use = uses.findLast(({ name }) => endings.some(ending => name.endsWith(ending)))
    return typeof use?.value === 'number' ? use.value : 0
  }
  const delta = given['rateest-delta'] !== undefined
  return {
    firstRate: delta ? last('bps1', 'pps1') : 0,
    secondRate: delta || !given.rateest2 ? last('bps', 'bps2', 'pps', 'pps2') : 0,
  }
}

function print(match: RateestMatch): string {
  const { unit, comparison: compare, delta, second } = match
  const rate = (value: number): string => (unit === 'bps' ? printByteRate(value) : String(value))
  return (
    (delta ? ' --rateest-delta' : '') +
    ` --rateest${second === undefined ? '' : '1'} ${printName(match.first)}` +
    (delta ? ` --rateest-${unit}1 ${rate(match.firstRate)}` : '') +
    `${compare.negated ? ' !' : ''} --rateest-${compare.value} --rateest-${unit}${delta ? '2' : ''}` +
    (delta || second === undefined ? ` ${rate(match.secondRate)}` : '') +
    (second === undefined ? '' : ` --rateest2 ${printName(second)}`)
  )
}
