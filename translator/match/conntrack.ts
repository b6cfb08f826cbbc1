import type { ConntrackMatch } from 'iptables-parser'
import { ctstate, ctstatus, pointOf, type TupleAddress, tupleAddresses } from '../field.ts'
import { type Step, setTerm, setTest } from '../test.ts'
import { containsPoint, type IntervalSet, normalise, single } from '../tree/interval.ts'
import { rangeStep, valueStep } from './range.ts'
import { stateSteps, tracked } from './state.ts'
import type { MatchContext, MatchTranslator } from './translate.ts'

/**
 * net/netfilter/xt_conntrack.c, conntrack_mt. A packet without a connection matches where its state is asked and fits, whatever stands beside it; without
 * a question for the state it does not match.
 */
export const conntrack: MatchTranslator<ConntrackMatch> = (match, context) =>
  match.states && asksStatesAlone(match) ? stepsOfStates(match.states) : allSteps(match, context)

/** As most do. */
function asksStatesAlone(match: ConntrackMatch): boolean {
  for (const name in match) if (name !== 'kind' && name !== 'states' && name !== 'span') return false
  return true
}

/** By the states: rule sets ask for the same few again and again. */
const known = new Map<string, readonly Step[]>()

function stepsOfStates(states: NonNullable<ConntrackMatch['states']>): readonly Step[] {
  const key = `${states.negated} ${states.value.join()}`
  const steps = known.get(key) ?? stateSteps(states)
  known.set(key, steps)
  return steps
}

function allSteps(match: ConntrackMatch, context: MatchContext): readonly Step[] {
  const own = connectionSteps(match, context)
  if (!match.states) return [setTest('ctstate', tracked), ...own]
  const states = stateSteps(match.states)
  return [...states, ...(own.length > 0 && allowsUntracked(states) ? own.map(orUntracked) : own)]
}

const untracked: IntervalSet = normalise([...single(ctstate.INVALID), ...single(ctstate.UNTRACKED)])

const allowsUntracked = (states: readonly Step[]): boolean =>
  states.some(
    step =>
      step.kind === 'any' ||
      (step.kind === 'set' && untracked.some(({ low }) => containsPoint(step.set, low))),
  )

function orUntracked(step: Step): Step {
  const alone = setTest('ctstate', untracked)
  if (step.kind === 'set' || step.kind === 'mask') return { kind: 'any', tests: [alone, step] }
  return step.kind === 'never' ? alone : step
}

const portNames = {
  origsrc: 'originalSource',
  origdst: 'originalDestination',
  replsrc: 'replySource',
  repldst: 'replyDestination',
} as const satisfies Record<TupleAddress, keyof ConntrackMatch>

/** In the kernel's order, though all of them only say yes or no. */
function connectionSteps(match: ConntrackMatch, context: MatchContext): Step[] {
  return [
    ...(match.direction ? [setTest('ctdir', single(match.direction === 'REPLY' ? 1 : 0))] : []),
    ...tupleAddresses.flatMap(name => addressStep(name, match[portNames[name]], context)),
    ...valueStep('ctproto', match.protocol),
    ...tupleAddresses.flatMap(name => rangeStep(`ct${name}port`, match[`${portNames[name]}Port`])),
    ...statusSteps(match.status),
    ...rangeStep('ctexpire', match.expires),
  ]
}

function addressStep(
  name: TupleAddress,
  asked: ConntrackMatch['originalSource'],
  { family }: MatchContext,
): Step[] {
  if (!asked) return []
  const field = `ct${name}` as const
  const { address, length } = asked.value
  const free = BigInt((family === 4 ? 32 : 128) - length)
  const low = (address >> free) << free
  const point = (value: bigint) => pointOf(field, family, value)
  return [setTerm(field, family, [{ low: point(low), end: point(low + (1n << free)) }], asked.negated)]
}

/** One of them is set, or none is. */
function statusSteps(asked: ConntrackMatch['status']): Step[] {
  if (!asked) return []
  const mask = asked.value.reduce((bits, name) => bits | ctstatus[name], 0)
  if (mask === 0) return asked.negated ? [] : [{ kind: 'never' }]
  return [{ kind: 'mask', field: 'ctstatus', mask, value: 0, negated: !asked.negated }]
}
