// Run as a process of its own by limit.test.ts: swaps to the rules of a file with a map that no kernel can make, and prints what came of it.

import { readFileSync } from 'node:fs'
import { parseSave } from 'iptables-parser'
import { KernelError } from '../../src/kernel/error.ts'
import { requireLive } from '../../src/service/live.ts'
import { planGeneration } from '../../src/service/plan.ts'
import { readSettings } from '../../src/service/settings.ts'
import { swap } from '../../src/service/swap.ts'
import type { MapSpec } from '../../translator/program.ts'
import { translate } from '../../translator/translate.ts'

const [file = ''] = process.argv.slice(2)
const text = readFileSync(file, 'utf8')
const settings = readSettings()
const live = requireLive(settings)
const ruleset = parseSave(text, { family: 4, name: file })
const plan = planGeneration(live, [{ ruleset, text, carry: { kind: 'text' }, setCounters: false }])
const { number, lanes } = live.generation
const translation = translate(plan.rulesets, { lanes, counters: plan.layout })
if (translation.kind === 'refused') throw new Error(translation.refusals[0]?.reason)

const huge: MapSpec = {
  name: 'huge',
  type: 'HASH',
  keySize: 256,
  valueSize: 1 << 20,
  maxEntries: 2 ** 31,
  flags: 0,
  shared: false,
}
const programs = translation.programs.map(program => ({
  ...program,
  spec: { ...program.spec, maps: [...program.spec.maps, huge] },
}))

try {
  await swap(settings, {
    live,
    plan,
    generation: {
      ...live.generation,
      number: number + 1,
      rulesets: plan.saved,
      counterArrays: plan.layout.arrays,
    },
    translation: { kind: 'translated', programs, rules: translation.rules },
    reused: [],
    describe: () => () => undefined,
  })
  process.stdout.write('swapped\n')
} catch (error) {
  if (!(error instanceof KernelError)) throw error
  process.stdout.write(`${error.code} ${error.message}\n`)
}
