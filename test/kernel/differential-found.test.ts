// Rule sets in which the differential test once found a difference, as small as it made them: at every hook, and with trees forced into maps, with
// packets aimed at them, against iptables-legacy.

import { readdirSync, readFileSync } from 'node:fs'
import { parseSave } from 'iptables-parser'
import { aim } from './harness/aim.ts'
import { disagreement } from './harness/differential.ts'
import { direct, directHooks } from './harness/direct.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

/** Seen from dist/test/kernel. */
const directory = new URL('../../../fixtures/rulesets/found/', import.meta.url)

const inMaps = { separate: 'always', map: 'always', leastSeparated: 1, linear: 2 } as const

for (const file of readdirSync(directory)) {
  const family = file.endsWith('.v6') ? 6 : 4
  const rules = readFileSync(new URL(file, directory), 'utf8')
  const experiment = () => ({ rules, ...aim(parseSave(rules, { family }), { seed: 1 }) })
  for (const hook of directHooks)
    kernelTest(`${file} at ${hook} counts and decides as in iptables-legacy`, async t => {
      t.is(await disagreement(direct(hook), experiment()), undefined)
    })
  kernelTest(`${file} in maps counts and decides as in iptables-legacy`, async t => {
    t.is(await disagreement(direct('netfilter', inMaps), experiment()), undefined)
  })
}
