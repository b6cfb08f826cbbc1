import test from 'ava'
import { parseSave } from 'iptables-parser'
import type { Carry } from '../../../src/service/carry.ts'
import { type Loaded, planGeneration } from '../../../src/service/plan.ts'
import { keepsHistory, nextCounters, slotsOf } from '../../../src/stats/change.ts'

const file = (...rules: readonly string[]) =>
  parseSave(`*filter\n:INPUT DROP [0:0]\n${rules.map(rule => `${rule}\n`).join('')}COMMIT\n`, { family: 4 })

/** What replaces rules that are loaded; slots are as they were assigned, in order. */
const change = (
  before: readonly string[],
  after: readonly string[],
  carry: Carry = { kind: 'text' },
  setCounters = false,
) => {
  const first = planGeneration({ rulesets: [], counterArrays: [], resting: [] }, [
    { ruleset: file(...before), text: '', carry: { kind: 'nothing' }, setCounters: false },
  ])
  const loaded: Loaded = {
    rulesets: first.saved.map(saved => ({ ...saved, ruleset: file(...before) })),
    counterArrays: first.layout.arrays,
    resting: [],
  }
  const plan = planGeneration(loaded, [{ ruleset: file(...after), text: '', carry, setCounters }])
  return { slots: slotsOf(loaded.rulesets), plan }
}

const keeps = (...parameters: Parameters<typeof change>): boolean => {
  const { slots, plan } = change(...parameters)
  return keepsHistory(slots, plan)
}

test('nothing is to be recorded while every counter goes on', t => {
  t.true(keeps(['-A INPUT -p tcp'], ['-A INPUT -p tcp']))
  t.true(keeps(['-A INPUT -p tcp'], ['-A INPUT -p udp', '-A INPUT -p tcp']))
  t.true(keeps(['-A INPUT -p tcp', '-A INPUT -p udp'], ['-A INPUT -p udp', '-A INPUT -p tcp']))
  t.true(keeps(['-A INPUT -p tcp'], ['-A INPUT -p tcp', '-A INPUT -p tcp']))
})

test('a counter that goes, begins anew or is set is recorded', t => {
  t.false(keeps(['-A INPUT -p tcp', '-A INPUT -p udp'], ['-A INPUT -p udp']))
  t.false(keeps(['-A INPUT -p tcp'], ['-A INPUT -p tcp'], { kind: 'nothing' }))
  t.false(keeps(['-A INPUT -p tcp'], ['-A INPUT -p tcp', '[5:6] -A INPUT -p udp'], { kind: 'text' }, true))
})

test('counters go on from what they were, are set to, or zero', t => {
  const { slots, plan } = change(
    ['-A INPUT -p tcp', '-A INPUT -p udp'],
    ['-A INPUT -p tcp', '[5:6] -A INPUT -p icmp', '-A INPUT -p sctp'],
    { kind: 'text' },
    true,
  )
  const read = new Map([...slots.values()].map(slot => [slot, { packets: 7n, bytes: 8n }]))
  const next = nextCounters(plan, read)
  t.deepEqual(next.get('4 filter -A INPUT -p tcp'), { packets: 7n, bytes: 8n })
  t.deepEqual(next.get('4 filter -A INPUT -p icmp'), { packets: 5n, bytes: 6n })
  t.deepEqual(next.get('4 filter -A INPUT -p sctp'), { packets: 0n, bytes: 0n })
  t.false(next.has('4 filter -A INPUT -p udp'))
})
