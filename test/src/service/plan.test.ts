import test from 'ava'
import { applyCommand, type Family, parseCommand, parseSave, type Ruleset } from 'iptables-parser'
import type { Carry } from '../../../src/service/carry.ts'
import { countersOf, withCounters } from '../../../src/service/carry.ts'
import { type Change, type Loaded, type Plan, planGeneration } from '../../../src/service/plan.ts'

const parse = (rules: readonly string[], family: Family = 4): Ruleset =>
  parseSave(['*filter', ...rules, 'COMMIT\n'].join('\n'), { family })

const change = (ruleset: Ruleset, carry: Carry['kind'], setCounters = false): Change => ({
  ruleset,
  text: '',
  carry: { kind: carry },
  setCounters,
})

const nothing: Loaded = { rulesets: [], counterArrays: [], resting: [] }

/** What is loaded once a plan is in force. */
const loadedBy = ({ rulesets, saved, layout }: Plan): Loaded => ({
  counterArrays: layout.arrays,
  resting: [],
  rulesets: rulesets.flatMap((ruleset, index) => {
    const { text, slots } = saved[index] ?? { text: '', slots: [] }
    return { ruleset, text, slots }
  }),
})

const slotsOf = (plan: Plan, family: Family = 4): readonly number[] =>
  plan.saved.find(saved => saved.family === family)?.slots ?? []

const first = planGeneration(nothing, [change(parse(['-A INPUT -p tcp', '-A INPUT -p udp']), 'text')])

test('everything begins with slots of its own, which must be set first', t => {
  t.deepEqual(slotsOf(first), [0, 1, 2, 3, 4])
  t.deepEqual([...first.fresh.keys()], [0, 1, 2, 3, 4])
  t.true(first.fromZero)
  t.deepEqual(first.layout.arrays, [{ name: 'counters0', entries: 1024 }])
})

test('by text, a rule keeps its slot wherever it moves, and a new one gets one that is free', t => {
  const moved = parse(['-A INPUT -p udp', '-A INPUT -p icmp', '-A INPUT -p tcp'])
  const plan = planGeneration(loadedBy(first), [change(moved, 'text')])
  t.deepEqual(slotsOf(plan), [0, 2, 5, 1, 3, 4])
  t.deepEqual([...plan.fresh.keys()], [5])
})

test('slots of the generation before are not given away, those before that are', t => {
  const second = planGeneration(loadedBy(first), [change(parse(['-A INPUT -p tcp']), 'text')])
  const third = planGeneration(loadedBy(second), [
    change(parse(['-A INPUT -p tcp', '-A INPUT -p esp']), 'text'),
  ])
  t.deepEqual(slotsOf(second), [0, 1, 3, 4])
  t.deepEqual(slotsOf(third), [0, 1, 2, 3, 4])
  t.deepEqual([...third.fresh.keys()], [2])
})

test('with nothing carried over, all is fresh, and begins at what was written', t => {
  const written = parse([':INPUT DROP [5:6]', '[7:8] -A INPUT -p tcp'])
  const plan = planGeneration(loadedBy(first), [change(written, 'nothing', true)])
  t.deepEqual(slotsOf(plan), [5, 6, 7, 8])
  t.false(plan.fromZero)
  t.deepEqual(plan.fresh.get(5), { packets: 5n, bytes: 6n })
  t.deepEqual(plan.fresh.get(6), { packets: 7n, bytes: 8n })
  t.deepEqual(plan.fresh.get(7), { packets: 0n, bytes: 0n })
})

test('the other family stays as it is', t => {
  const both = planGeneration(loadedBy(first), [change(parse(['-A INPUT -p tcp'], 6), 'text')])
  t.deepEqual(
    both.rulesets.map(({ family }) => family),
    [4, 6],
  )
  t.deepEqual([...both.unchanged], [4])
  t.deepEqual(slotsOf(both), slotsOf(first))
  t.deepEqual(slotsOf(both, 6), [5, 6, 7, 8])
})

/** A rule set in force, each rule with counters of its own. */
const counting = (rules: readonly string[]): Loaded => {
  const loaded = loadedBy(planGeneration(nothing, [change(parse(rules), 'text')]))
  const rulesets = loaded.rulesets.map(each => {
    const counters = countersOf(each.ruleset).map((_, index) => ({ packets: BigInt(index), bytes: 0n }))
    return { ...each, ruleset: withCounters(each.ruleset, counters) }
  })
  return { ...loaded, rulesets }
}

const edited = (loaded: Loaded, ...words: readonly string[]): Plan => {
  const before = loaded.rulesets[0]?.ruleset ?? parse([])
  const ruleset = applyCommand(before, parseCommand(words, 4))
  return planGeneration(loaded, [change(ruleset, 'identity', true)])
}

const twins = ['-A INPUT -p tcp', '-A INPUT -p tcp']

test('an edit tells rules apart that read the same', t => {
  const loaded = counting(twins)
  t.deepEqual(slotsOf(edited(loaded, '-I', 'INPUT', '-p', 'tcp')), [0, 5, 1, 2, 3, 4])
  t.deepEqual(slotsOf(edited(loaded, '-D', 'INPUT', '1')), [0, 2, 3, 4])
})

test('what is zeroed or set anew counts elsewhere', t => {
  const loaded = counting(twins)
  t.deepEqual(slotsOf(edited(loaded, '-Z', 'INPUT', '2')), [0, 1, 5, 3, 4])
  const policy = edited(loaded, '-P', 'INPUT', 'DROP', '-c', '8', '9')
  t.deepEqual(slotsOf(policy), [5, 1, 2, 3, 4])
  t.deepEqual(policy.fresh.get(5), { packets: 8n, bytes: 9n })
})

test('a chain that is renamed takes the counters of its calls along', t => {
  const loaded = counting([':A - [0:0]', '-A INPUT -j A', '-A A -p tcp'])
  t.deepEqual(slotsOf(edited(loaded, '-E', 'A', 'B')), [0, 1, 2, 3, 4])
  t.is(edited(loaded, '-E', 'A', 'B').fresh.size, 0)
})
