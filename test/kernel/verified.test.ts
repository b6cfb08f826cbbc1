// How far random rule sets are from what the verifier allows: a set that no one has seen yet must load as well.

import { experimentOf } from './harness/trial.ts'
import { verify } from './harness/verified.ts'
import { kernelTest } from './needs-kernel.ts'

const { BPFTABLES_SEED: given } = process.env
const first = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given)
const SEEDS = 3
/** Half of what Linux allows. Most programs take a hundredth of it. */
const MOST_INSTRUCTIONS = 500_000

for (const hook of ['netfilter', 'xdp', 'tc'] as const)
  for (const family of [4, 6] as const)
    kernelTest(
      `IPv${family} at ${hook}: no program of random rules is half as much as the verifier takes`,
      t => {
        for (let seed = first; seed < first + SEEDS; seed++) {
          const { rules } = experimentOf({ hook, family, seed })
          for (const { program, instructions } of verify(hook, family, rules))
            t.true(
              instructions < MOST_INSTRUCTIONS,
              `BPFTABLES_SEED=${seed}: ${program} has ${instructions} instructions to the verifier:\n${rules}`,
            )
        }
      },
    )

/** As many as the parts that are the same for all rules take, twice over. Twenty thousand are milliseconds of each edit. */
const MOST_FOR_ONE_RULE = 20_000

for (const hook of ['netfilter', 'xdp', 'tc'] as const)
  for (const [family, address] of [
    [4, '192.0.2.1'],
    [6, '2001:db8::1'],
  ] as const)
    kernelTest(`IPv${family} at ${hook}: programs of one rule take the verifier no time`, t => {
      const rules = `*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s ${address} -j DROP\nCOMMIT\n`
      for (const { program, instructions } of verify(hook, family, rules))
        t.true(
          instructions < MOST_FOR_ONE_RULE,
          `${program} has ${instructions} instructions to the verifier`,
        )
    })
