import test from 'ava'
import { expect, expectOne } from '../../bench/demo/expected.ts'
import { interpret } from '../../bench/demo/interpreted.ts'
import { readRulesets } from '../../bench/demo/rules.ts'
import { dayAtTheServer } from '../../bench/demo/traffic.ts'

test('the emitted bytecode decides and counts the traffic of the demo as the reference evaluator does', t => {
  const rulesets = readRulesets()
  const kinds = dayAtTheServer(3)
  const { accepts, counts } = interpret(rulesets)
  for (const { name, flows, state } of kinds)
    for (const flow of flows)
      t.is(accepts(flow, state), expectOne(rulesets, flow, state).verdict === 'accept', name)
  const expected = expect(rulesets, kinds).counts
  for (const [key, count] of counts()) t.is(count, expected.get(key) ?? 0, key)
})
