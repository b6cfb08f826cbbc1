// What a packet costs under the demo's rules, next to the kernel's own iptables.

import { bpftables } from '../contender/bpftables.ts'
import { iptables } from '../contender/iptables.ts'
import { nothing } from '../contender/nothing.ts'
import { type Measurement, measure } from '../measure.ts'
import type { Workload } from '../workload.ts'
import { countRules, readRulesets, ruleFiles, textOf } from './rules.ts'
import { type Column, dim, say, table, whole } from './terminal.ts'
import { dayAtTheServer } from './traffic.ts'

const contenders = [nothing, bpftables('netfilter'), iptables('legacy'), iptables('nft')]

/** Few, since a demo is to be over soon. */
const TURNS = 3

/** What came of the demo's rules with so many more in their blocklist. */
interface Costs {
  readonly rules: number
  readonly measurements: readonly Measurement[]
}

/** How much longer the blocklist gets for the second measurement. */
const MORE_BLOCKED = 2_000

/** Measures with the demo's traffic of IPv4: the rules as they are, and with a longer blocklist. */
export const measureCosts = (before: (what: string) => void): readonly Costs[] =>
  [0, MORE_BLOCKED].map(more => {
    const workload = withMoreBlocked(more)
    return { rules: workload.rules, measurements: measure(workload, contenders, { before, turns: TURNS }) }
  })

function withMoreBlocked(more: number): Workload {
  const flows = dayAtTheServer(2)
    .flatMap(kind => kind.flows)
    .filter(({ family }) => family === 4)
  const [ipv4] = readRulesets()
  // shared address space (RFC 6598), from which none of the traffic comes
  const rules = Array.from(
    { length: more },
    (_, index) => `-A blocklist -s 100.64.${index >> 8}.${index & 255}/32 -j DROP\n`,
  )
  return {
    family: 4,
    course: 'INPUT',
    rules: countRules(ipv4) + more,
    text: textOf(ruleFiles.ipv4).replace(/^-A blocklist/m, `${rules.join('')}-A blocklist`),
    traffic: [{ kind: 'spread', flows }],
  }
}

export function showCosts(costs: readonly Costs[]): void {
  const columns = costs.flatMap(({ rules }): Column[] => [
    [`${whole(rules)} rules: median`, 'right'],
    ['p99', 'right'],
  ])
  const rows = contenders.map(({ name }) => [name, ...costs.flatMap(each => cells(each, name))])
  table([[''], ...columns], rows)
  for (const { measurements } of costs.slice(0, 1))
    for (const { contender, unfit } of measurements)
      if (unfit !== undefined) say(`  ${contender} was not measured: ${unfit}`)
  say(dim('  ns per packet, from the device on; with rules through conntrack, which "no rules" does without'))
}

function cells({ measurements }: Costs, name: string): string[] {
  const found = measurements.find(({ contender }) => contender === name)
  const [cost] = found?.costs ?? []
  return cost ? [cost.path.median, cost.path.p99].map(number => whole(Math.round(number))) : ['', '']
}
