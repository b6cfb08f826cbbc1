// What a packet costs under the demo's rules, next to the kernel's own iptables.

import { bpftables } from '../contender/bpftables.ts'
import { iptables } from '../contender/iptables.ts'
import { nothing } from '../contender/nothing.ts'
import { type Measurement, measure } from '../measure.ts'
import type { Workload } from '../workload.ts'
import { countRules, readRulesets, ruleFiles, textOf } from './rules.ts'
import { dim, say, table } from './terminal.ts'
import { dayAtTheServer } from './traffic.ts'

const contenders = [nothing, bpftables('netfilter'), bpftables('xdp'), iptables('legacy'), iptables('nft')]

/** Measures with the demo's traffic of IPv4, two packets of each kind and more of the frequent ones. */
export function measureCost(before: (what: string) => void): readonly Measurement[] {
  const flows = dayAtTheServer(2)
    .flatMap(kind => kind.flows)
    .filter(({ family }) => family === 4)
  const [ipv4] = readRulesets()
  const workload: Workload = {
    family: 4,
    course: 'INPUT',
    rules: countRules(ipv4),
    text: textOf(ruleFiles.ipv4),
    traffic: [{ kind: 'spread', flows }],
  }
  return measure(workload, contenders, before)
}

export function showCost(measurements: readonly Measurement[]): void {
  const rows = measurements.map(({ contender, unfit, costs: [cost] }) =>
    cost && unfit === undefined
      ? [
          contender,
          cost.path.median.toFixed(0),
          cost.path.p99.toFixed(0),
          cost.alone?.median.toFixed(0) ?? '',
        ]
      : [contender, '', '', '', unfit ?? ''],
  )
  table([[''], ['median', 'right'], ['p99', 'right'], ['program alone', 'right'], ['']], rows)
  say(dim('  ns per packet from the device through conntrack and rules; "no rules" has neither'))
}
