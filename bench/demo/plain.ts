// The demo without a kernel: the same rules and packets, in this process alone.

import type { Ruleset } from 'iptables-parser'
import { bpftables, showCommand, showOutput } from './command.ts'
import { expect, expectOne } from './expected.ts'
import { type Interpreted, interpret } from './interpreted.ts'
import { countChains, countRules, readRulesets, ruleFiles } from './rules.ts'
import { bold, dim, heading, say, table, verdict, whole } from './terminal.ts'
import { dayAtTheServer, type Kind } from './traffic.ts'

/** Whether everything was as it should be. */
export async function plainDemo(reason: string): Promise<boolean> {
  say(`${bold('bpftables')}: iptables rules, run as eBPF programs`)
  say(dim(`Without a kernel, since ${reason}.`))
  await showConversion()
  const right = runPackets(readRulesets())
  heading('3. As root this would go on')
  for (const line of more) say(`  ${line}`)
  return right
}

const more = [
  'in a throw-away network namespace, leaving nothing behind:',
  '  the same rules applied to a running kernel, with traffic through them,',
  '  rule sets swapped under that traffic, without a packet let through or a count lost,',
  '  which rules were hit, as `bpftables stats` tells,',
  "  and what a packet costs, next to the kernel's own iptables.",
  `${bold('sudo npm run demo')}`,
]

async function showConversion(): Promise<void> {
  heading("1. A web server's rules, converted")
  for (const [index, file] of [ruleFiles.ipv4, ruleFiles.ipv6].entries()) {
    const ruleset = readRulesets()[index]
    if (ruleset) say(`  ${file}: ${countRules(ruleset)} rules in ${countChains(ruleset)} chains`)
  }
  const report = ['convert', '--format', 'report', ruleFiles.ipv4]
  showCommand(report)
  showOutput((await bpftables(report)).stdout, 17)
  const listing = ['convert', '--format', 'listing', ruleFiles.ipv4]
  showCommand(listing)
  showOutput(excerpt((await bpftables(listing)).stdout, 'QUIC'))
}

/** Lines of a listing to show. */
const LINES = 12

/** From the rule that has this comment on. */
function excerpt(text: string, comment: string): string {
  const lines = text.trimEnd().split('\n')
  const first = lines.findIndex(line => line.includes(`--comment ${comment} `))
  const shown = lines.slice(first, first + LINES)
  return [dim(`… ${first} lines`), ...shown, dim(`… ${lines.length - first - shown.length} lines`)].join('\n')
}

function runPackets(rulesets: readonly Ruleset[]): boolean {
  heading('2. Packets through the emitted bytecode, in the bundled interpreter')
  const interpreted = interpret(rulesets)
  const kinds = dayAtTheServer(20)
  const results = kinds.map(kind => ({ kind, ...runKind(rulesets, interpreted, kind) }))
  table(
    [
      ['packets', 'right'],
      ['of'],
      ['accepted', 'right'],
      ['the evaluator', 'right'],
      ['rules that one of them meets'],
    ],
    results.map(({ kind, accepted, expected, met }) => [
      whole(kind.flows.length),
      kind.name,
      whole(accepted),
      whole(expected),
      met,
    ]),
  )
  const packets = kinds.reduce((sum, { flows }) => sum + flows.length, 0)
  const agreed = results.reduce((sum, result) => sum + result.agreed, 0)
  verdict(
    agreed === packets,
    `${whole(agreed)} of ${whole(packets)} verdicts are those of the reference evaluator`,
  )
  const counts = interpreted.counts()
  const { counts: expected } = expect(rulesets, kinds)
  const same = [...counts].filter(([key, count]) => count === (expected.get(key) ?? 0)).length
  verdict(same === counts.size, `${same} of ${counts.size} rules and policies counted what it says`)
  return agreed === packets && same === counts.size
}

function runKind(rulesets: readonly Ruleset[], { accepts }: Interpreted, { flows, state }: Kind) {
  let [accepted, expected, agreed] = [0, 0, 0]
  for (const flow of flows) {
    const [ours, theirs] = [accepts(flow, state), expectOne(rulesets, flow, state).verdict === 'accept']
    if (ours) accepted++
    if (theirs) expected++
    if (ours === theirs) agreed++
  }
  const [first] = flows
  const path = first ? expectOne(rulesets, first, state).path : []
  const met = path
    .map(({ chain, number }) => (number === 0 ? `${chain} policy` : `${chain} ${number}`))
    .join(', ')
  return { accepted, expected, agreed, met }
}
