// Rule sets that people run, with packets aimed at them, at every hook that can decide them, against iptables-legacy.

import test from 'ava'
import { parsed, realRulesets } from '../real-rulesets.ts'
import { aim } from './harness/aim.ts'
import { disagreement } from './harness/differential.ts'
import { direct } from './harness/direct.ts'
import { type HookChoice, hookChoices, isTranslatable } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const collection = realRulesets()

const decidedAt = (hook: HookChoice) =>
  (collection ?? []).flatMap(real => {
    const ruleset = parsed(real)
    return ruleset && isTranslatable(ruleset, hook) ? [{ ...real, ruleset }] : []
  })

for (const hook of hookChoices) {
  const title = `at ${hook}, rule sets that people run count and decide as with iptables-legacy`
  if (collection === undefined)
    test.skip(`${title} (skipped: no collection of rule sets in ../shared)`, t => t.fail())
  else
    kernelTest(title, async t => {
      t.timeout(10 * 60_000)
      const decided = decidedAt(hook)
      t.log(`${decided.length} of ${collection.length}`)
      t.true(decided.length >= 10)
      for (const { name, text, ruleset } of decided)
        t.is(await disagreement(direct(hook), { rules: text, ...aim(ruleset, { seed: 1 }) }), undefined, name)
    })
}
