// That the packets of a series meet the rules they are meant for, by the word of the reference evaluator.

import test from 'ava'
import { evaluate, type Packet, parseSave, printRuleset, ruleMatches, tableOf } from 'iptables-parser'
import { ETHERNET_BYTES, type Flow, frameOf } from '../../bench/frame.ts'
import { series, seriesNames } from '../../bench/series/registry.ts'
import { spread, type Traffic, type Workload } from '../../bench/workload.ts'

const packetOf = (flow: Flow): Packet => ({
  family: flow.family,
  bytes: frameOf(flow).subarray(ETHERNET_BYTES),
  inInterface: 'eth0',
  outInterface: '',
})

const make = (name: string, size: number, seed = 1): Workload => {
  const chosen = series[name]
  if (!chosen) throw new RangeError(`there is no series ${name}`)
  return chosen.make(size, seed)
}

const flowsOf = ({ traffic }: Workload, kind: Traffic['kind']): readonly Flow[] =>
  traffic.find(each => each.kind === kind)?.flows ?? []

const rulesetOf = ({ text, family }: Workload) => parseSave(text, { family })

for (const name of seriesNames.filter(one => one !== 'chains' && one !== 'zones'))
  test(`${name}: packets match the rules they are aimed at`, t => {
    const workload = make(name, 300)
    const table = tableOf(rulesetOf(workload), 'filter')
    const rules = table?.chains.find(chain => chain.name === 'INPUT')?.rules ?? []
    t.is(rules.length, 300)
    const numbers = spread(rules.length, 64)
    const flows = flowsOf(workload, 'spread')
    t.is(flows.length, numbers.length)
    for (const [index, number] of numbers.entries()) {
      const [rule, flow] = [rules[number], flows[index]]
      t.true(rule && flow && ruleMatches(rule, packetOf(flow)) === true, `rule ${number + 1}`)
    }
  })

for (const name of ['five-tuple', 'five-tuple6', 'blacklist', 'blacklist6'])
  test(`${name}: the last packet meets the last rule alone`, t => {
    const workload = make(name, 100)
    const [flow] = flowsOf(workload, 'last')
    const { path } = evaluate(rulesetOf(workload), 'filter', 'INPUT', packetOf(flow ?? t.fail()))
    t.deepEqual(path, [{ chain: 'INPUT', number: 100 }])
  })

test('chains: packets go four chains deep', t => {
  const workload = make('chains', 104)
  const ruleset = rulesetOf(workload)
  for (const flow of flowsOf(workload, 'spread')) {
    const { verdict, path } = evaluate(ruleset, 'filter', 'INPUT', packetOf(flow))
    t.is(verdict, 'accept')
    t.is(new Set(path.map(({ chain }) => chain)).size, 5)
  }
})

test('zones: packets come to the chain of their zones, and most meet a rule there', t => {
  const workload = make('zones', 2_000)
  const ruleset = rulesetOf(workload)
  const chains = new Set<string>()
  let met = 0
  const flows = flowsOf(workload, 'spread')
  for (const flow of flows) {
    const packet: Packet = { ...packetOf(flow), outInterface: 'out0', conntrack: { state: 'NEW' } }
    const { path } = evaluate(ruleset, 'filter', 'FORWARD', packet)
    const [, { chain, number } = { chain: '', number: 0 }] = path
    t.regex(chain, /^[a-z]+-to-[a-z]+$/)
    chains.add(chain)
    const rules = tableOf(ruleset, 'filter')?.chains.find(({ name }) => name === chain)?.rules ?? []
    if (number < rules.length) met++
  }
  t.is(chains.size, flows.length)
  t.true(met > 0.9 * flows.length)
})

for (const name of seriesNames)
  test(`${name}: the same seed makes the same rules, another others; they are written canonically`, t => {
    const workload = make(name, 204)
    t.deepEqual(workload, make(name, 204))
    t.is(workload.rules, workload.text.split('\n').filter(line => line.startsWith('-A')).length)
    if (name === 'chains') t.notDeepEqual(workload.traffic, make(name, 204, 2).traffic)
    else t.not(workload.text, make(name, 204, 2).text)
    const again = printRuleset(rulesetOf(workload))
    t.is(printRuleset(parseSave(again, { family: workload.family })), again)
  })
