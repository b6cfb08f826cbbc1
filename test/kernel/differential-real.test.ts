// Rule sets that people run, with packets aimed at them, at every hook that can decide them, against iptables-legacy.

import test from 'ava'
import { parsed, realRulesets } from '../real-rulesets.ts'
import { aim } from './harness/aim.ts'
import { disagreement, type Experiment } from './harness/differential.ts'
import { type DirectHook, decidingHook, direct, directHooks } from './harness/direct.ts'
import { owned } from './harness/owned.ts'
import { isTranslatable } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const collection = realRulesets()

const decidedAt = (hook: DirectHook) =>
  (collection ?? []).flatMap(real => {
    const ruleset = parsed(real)
    return ruleset && isTranslatable(ruleset, decidingHook(hook)) ? [{ ...real, ruleset }] : []
  })

for (const hook of directHooks) {
  const title = `at ${hook}, rule sets that people run count and decide as with iptables-legacy`
  if (collection === undefined)
    test.skip(`${title} (skipped: no collection of rule sets in ../shared)`, t => t.fail())
  else
    kernelTest(title, async t => {
      t.timeout(10 * 60_000)
      const decided = decidedAt(hook)
      t.log(`${decided.length} of ${collection.length}`)
      t.true(decided.length >= 10)
      for (const { name, text, ruleset } of decided) {
        const experiment: Experiment = { rules: text, ...aim(ruleset, { seed: 1 }) }
        const prepared = hook === 'netfilter' ? experiment : owned(experiment)
        t.is(await disagreement(direct(hook), prepared), undefined, name)
      }
    })
}
