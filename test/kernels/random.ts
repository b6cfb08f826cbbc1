// Random rule sets and packets through this kernel's iptables-legacy and through bpftables, as in test/kernel/differential.test.ts, but fewer.

import { equal } from 'node:assert/strict'
import { type Family, parseSave } from 'iptables-parser'
import { aim } from '../kernel/harness/aim.ts'
import { disagreement } from '../kernel/harness/differential.ts'
import { direct } from '../kernel/harness/direct.ts'
import { randomRules } from '../kernel/harness/random-rules.ts'
import { decidable, families } from '../kernel/harness/translatable.ts'
import type { Case } from './case.ts'

type Hook = 'netfilter' | 'xdp' | 'tc'

const RULES = 25
const PACKETS = 200

const agrees = (hook: Hook, family: Family, seed: number): Case => ({
  title: `IPv${family} at ${hook}: random rules count and decide as iptables-legacy does`,
  async body() {
    const rules = randomRules({ seed, family, features: decidable(hook), rules: RULES })
    const experiment = { rules, ...aim(parseSave(rules, { family }), { seed, limit: PACKETS }) }
    equal(await disagreement(direct(hook), experiment), undefined, `seed ${seed}`)
    return `seed ${seed}`
  },
})

export const differentialCases = (hook: Hook, seed: number): Case[] =>
  families.map(family => agrees(hook, family, seed))
