// Random rule sets and packets through this kernel's iptables-legacy and through bpftables, as in test/kernel/differential.test.ts, but fewer,
// and none that is odd: older kernels judge some malformed IPv6 packets otherwise than the newest.

import { equal } from 'node:assert/strict'
import type { Family } from 'iptables-parser'
import { disagreement } from '../kernel/harness/differential.ts'
import { direct } from '../kernel/harness/direct.ts'
import { families } from '../kernel/harness/translatable.ts'
import { experimentOf } from '../kernel/harness/trial.ts'
import type { Case } from './case.ts'

type Hook = 'netfilter' | 'xdp' | 'tc'

const RULES = 25
const PACKETS = 200

const agrees = (hook: Hook, family: Family, seed: number): Case => ({
  title: `IPv${family} at ${hook}: random rules count and decide as iptables-legacy does`,
  async body() {
    const experiment = experimentOf({ hook, family, seed, rules: RULES, packets: PACKETS, odd: false })
    equal(await disagreement(direct(hook), experiment), undefined, `seed ${seed}`)
    return `seed ${seed}`
  },
})

export const differentialCases = (hook: Hook, seed: number): Case[] =>
  families.map(family => agrees(hook, family, seed))
