import type { Family, InterfacePattern, PhysdevMatch, Term } from 'iptables-parser'
import { bridge } from '../field.ts'
import { type SetTest, type Step, setTest } from '../test.ts'
import { type IntervalSet, normalise, single } from '../tree/interval.ts'
import { interfaceStep } from './core.ts'
import type { MatchTranslator } from './translate.ts'

const { THERE, IN, OUT } = bridge
const values = (...flags: readonly number[]): IntervalSet => normalise(flags.flatMap(single))

const none = values(0)
const withIn = values(THERE | IN, THERE | IN | OUT)
const withoutIn = values(THERE, THERE | OUT)
const withOut = values(THERE | OUT, THERE | IN | OUT)
const withoutOut = values(THERE, THERE | IN)

/**
 * net/netfilter/xt_physdev.c. Of a packet that no bridge has seen all that is asked must be negated. A port that is not there fits every --physdev-in and no
 * --physdev-out, negated or not.
 */
export const physdev: MatchTranslator<PhysdevMatch> = (match, { family }) => [
  ...flagSteps(match.isBridged, withOut, withoutOut),
  ...flagSteps(match.isIn, withIn, withoutIn),
  ...flagSteps(match.isOut, withOut, withoutOut),
  ...nameSteps('physin', match.in, family, withIn, withoutIn),
  ...nameSteps('physout', match.out, family, withOut, []),
]

function flagSteps(asked: Term<true> | undefined, holding: IntervalSet, lacking: IntervalSet): Step[] {
  if (!asked) return []
  return [setTest('bridge', asked.negated ? normalise([...none, ...lacking]) : holding)]
}

/** `fitting` are the packets without the port that match. */
function nameSteps(
  field: SetTest['field'] & ('physin' | 'physout'),
  asked: Term<InterfacePattern> | undefined,
  family: Family,
  holding: IntervalSet,
  fitting: IntervalSet,
): Step[] {
  if (!asked) return []
  const beside = normalise([...(asked.negated ? none : []), ...fitting])
  const named = interfaceStep(field, asked, family)
  const either: Step =
    named.kind !== 'set' || beside.length === 0
      ? named
      : { kind: 'any', tests: [setTest('bridge', beside), named] }
  return [setTest('bridge', normalise([...beside, ...holding])), either]
}
