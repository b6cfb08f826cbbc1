// The demo with a kernel: everything is real, in namespaces of its own.

import { frameOf } from '../frame.ts'
import { describeMachine, machine } from '../machine.ts'
import { progress } from '../progress.ts'
import { attempt, bpftables, showCommand, showOutput } from './command.ts'
import { measureCosts, showCosts } from './cost.ts'
import { expect } from './expected.ts'
import { disagreeing, readHits } from './hits.ts'
import { countChains, countRules, readRulesets, ruleFiles } from './rules.ts'
import { openStage, type Stage } from './stage.ts'
import { swapUnderTraffic } from './swap.ts'
import { bold, dim, heading, say, table, verdict, whole } from './terminal.ts'
import { dayAtTheServer, type Kind } from './traffic.ts'

/** Whether everything was as it should be; a text where this kernel does not take the rules: why. */
export async function rootDemo(): Promise<boolean | string> {
  say(`${bold('bpftables')}: iptables rules, run as eBPF programs`)
  say(dim(describeMachine(machine())))
  const stage = openStage()
  const refusal = await apply(stage)
  if (refusal !== undefined) return refusal
  const counted = await sendTheDay(stage)
  const swapped = await swap(stage)
  await showHits(stage)
  heading('5. What a packet costs, with all rules and counters')
  const costs = measureCosts(progress)
  progress('')
  showCosts(costs)
  return counted && swapped
}

/** Applies the rules; why they were refused. */
async function apply(stage: Stage): Promise<string | undefined> {
  heading("1. A web server's rules, in a network namespace of its own")
  for (const [index, file] of [ruleFiles.ipv4, ruleFiles.ipv6].entries()) {
    const ruleset = readRulesets()[index]
    if (ruleset) say(`  ${file}: ${countRules(ruleset)} rules in ${countChains(ruleset)} chains`)
  }
  const args = ['apply', ruleFiles.ipv4, ruleFiles.ipv6]
  showCommand(args)
  const { stderr, milliseconds, code } = await attempt(args, stage)
  if (code !== 0) {
    showOutput(stderr)
    return 'this kernel does not take the rules'
  }
  showOutput(`${stderr.trimEnd()}, in ${milliseconds.toFixed(0)} ms`)
  showCommand(['status'])
  showOutput((await bpftables(['status'], stage)).stdout, 3)
  return undefined
}

/** Frames between which the kernel gets a moment to empty its queue. */
const BURST = 100

async function sendTheDay(stage: Stage): Promise<boolean> {
  heading('2. Traffic from its peer')
  const rulesets = readRulesets()
  const kinds = dayAtTheServer(100)
  await sendAll(stage, kinds)
  table(
    [['packets', 'right'], ['of'], ['to accept', 'right'], ['to drop', 'right']],
    kinds.map(kind => {
      const { accepted, dropped } = expect(rulesets, [kind])
      return [whole(kind.flows.length), kind.name, whole(accepted), whole(dropped)]
    }),
  )
  const hits = (await readHits(stage)).filter(({ chain }) => !['FORWARD', 'OUTPUT'].includes(chain))
  const wrong = disagreeing(hits, expect(rulesets, kinds).counts)
  verdict(
    wrong.length === 0,
    `${hits.length - wrong.length} of ${hits.length} rules and policies counted what the reference evaluator says`,
  )
  return wrong.length === 0
}

async function sendAll(stage: Stage, kinds: readonly Kind[]): Promise<void> {
  const flows = kinds.flatMap(kind => kind.flows)
  for (let at = 0; at < flows.length; at += BURST) {
    for (const flow of flows.slice(at, at + BURST)) stage.send(frameOf(flow))
    await new Promise(resolve => setTimeout(resolve, 1))
  }
}

const SWAPS = 4

async function swap(stage: Stage): Promise<boolean> {
  heading(`3. ${SWAPS} hot swaps under traffic`)
  showCommand(['apply', ruleFiles.changed])
  say(
    dim(
      `  and back, and again; meanwhile packets come in that a rule accepts, and as many that only the policy stops`,
    ),
  )
  const { sent, milliseconds, delivered, counted } = await swapUnderTraffic(stage, SWAPS)
  const rate = whole(Math.round((2 * sent) / (milliseconds / 1000) / 1000) * 1000)
  say(`  ${whole(2 * sent)} packets in ${(milliseconds / 1000).toFixed(1)} s, about ${rate} a second`)
  verdict(delivered.tcp === 0, `${whole(delivered.tcp)} of ${whole(sent)} forbidden packets were let through`)
  verdict(
    delivered.udp === sent,
    `${whole(delivered.udp)} of ${whole(sent)} allowed packets were let through`,
  )
  verdict(counted === sent, `the rule that accepts them counted ${whole(counted)} on top of what it had`)
  return delivered.tcp === 0 && delivered.udp === sent && counted === sent
}

const MOST_HITS = 12

async function showHits(stage: Stage): Promise<void> {
  heading('4. Which rules are hit')
  const args = ['stats', '--top', `${MOST_HITS}`]
  showCommand(args)
  showOutput((await bpftables(args, stage)).stdout)
}
