import test from 'ava'
import { parseSave } from 'iptables-parser'
import { dispatcher } from '../../translator/hook/dispatcher.ts'
import { netfilterHooks } from '../../translator/hook/place.ts'
import {
  LANES,
  laneIndex,
  laneName,
  lanesFor,
  lanesOf,
  programArray,
  programName,
  programType,
} from '../../translator/lane.ts'

const choices = ['netfilter', 'xdp', 'tc'] as const

test('each lane of a program type has a slot and a name of its own', t => {
  for (const choice of choices) {
    const lanes = lanesOf(choice, [4, 6])
    const slots = lanes.map(lane => `${programType(lane.hook)} ${laneIndex(lane)}`)
    t.is(new Set(slots).size, lanes.length)
    t.is(new Set(lanes.map(laneName)).size, lanes.length)
    for (const lane of lanes) t.true(laneIndex(lane) < LANES)
  }
})

test('a program array holds two banks of lanes', t => {
  for (const type of ['XDP', 'SCHED_CLS', 'NETFILTER'] as const)
    t.is(programArray(type).maxEntries, 2 * LANES)
})

test('every base chain of a family is run, whatever the hook', t => {
  for (const choice of choices)
    for (const family of [4, 6] as const)
      for (const chain of ['nf-input', 'nf-forward', 'nf-output'] as const) {
        const [lane] = lanesOf(choice, [family]).filter(({ hook }) => hook === chain)
        t.is(lane?.family, family)
        t.is(lane?.leftovers, choice !== 'netfilter' && chain === 'nf-input' ? true : undefined)
      }
})

test('xdp and tc have one program for both families', t => {
  t.deepEqual(
    lanesOf('xdp', [4, 6]).filter(({ hook }) => hook === 'xdp'),
    [{ hook: 'xdp' }],
  )
  t.deepEqual(
    lanesOf('tc', [4]).filter(({ hook }) => hook === 'tc-ingress'),
    [{ hook: 'tc-ingress' }],
  )
})

test('raw and mangle have lanes of their own, before those of the filter table', t => {
  const text = '*raw\nCOMMIT\n*mangle\nCOMMIT\n*nat\nCOMMIT\n*filter\nCOMMIT\n'
  const rulesets = ([4, 6] as const).map(family => parseSave(text, { family }))
  const lanes = lanesFor('netfilter', rulesets)
  t.is(lanes.length, 2 * netfilterHooks.length)
  t.is(new Set(lanes.map(laneIndex)).size, lanes.length)
  t.is(new Set(lanes.map(programName)).size, lanes.length)
  for (const lane of lanes) {
    t.true(laneIndex(lane) < LANES)
    t.true(programName(lane).length <= 15, programName(lane))
    t.true(dispatcher(lane.hook).name.length <= 15, dispatcher(lane.hook).name)
  }
})

test('a family without a filter table has no lane for one, which nothing would fill', t => {
  const raw = parseSave('*raw\nCOMMIT\n', { family: 4 })
  for (const choice of choices)
    t.deepEqual(
      lanesFor(choice, [raw]).map(({ hook }) => hook),
      ['nf-raw-prerouting', 'nf-raw-output'],
    )
})
