import test from 'ava'
import { parseSave } from 'iptables-parser'
import { afterFailure, LEAST_FOR_XDP, planEarly } from '../../../src/service/early.ts'
import { newLayout } from '../../../translator/counter.ts'

const early = (lines: readonly string[], unavailable = {}, tables: readonly string[] = []) =>
  earlyOf(['*filter', ':INPUT ACCEPT', ...lines, 'COMMIT', ''].join('\n'), unavailable, tables)

function earlyOf(text: string, unavailable = {}, tables: readonly string[] = []) {
  const rulesets = [parseSave(text, { family: 4 })]
  return planEarly(
    rulesets,
    { counters: newLayout(rulesets) },
    {
      devices: ['none0'],
      tables,
      unavailable,
    },
  )
}

const blacklist = Array.from({ length: LEAST_FOR_XDP }, (_, at) => `-A INPUT -s 198.51.100.${at} -j DROP`)
const few = blacklist.slice(0, 3)

test('nothing is dropped early where no rule drops for certain', t => {
  const { choices, programs } = early(['-A INPUT -p tcp -j ACCEPT'])
  t.is(choices[0]?.hook, 'none')
  t.deepEqual(programs, [])
})

test('a raw table of ours comes before INPUT, so its drops are the ones taken early', t => {
  const raw = ['*raw', ...blacklist.map(line => line.replace('INPUT', 'PREROUTING')), 'COMMIT', ''].join('\n')
  const filter = ['*filter', ...blacklist, 'COMMIT', ''].join('\n')
  // the kernel's nat table is behind it
  t.deepEqual(earlyOf(raw, {}, ['nat']).choices[0], {
    device: 'none0',
    hook: 'xdp',
    reason: `${LEAST_FOR_XDP} rules of PREROUTING of raw drop for certain, and the driver runs XDP`,
  })
  t.deepEqual(earlyOf(`*raw\n-A OUTPUT -p udp -j DROP\nCOMMIT\n${filter}`).choices[0], {
    device: 'none0',
    hook: 'none',
    reason: 'no rule of PREROUTING of raw drops a packet for certain before netfilter',
  })
})

test('few rules are worth tc, many XDP', t => {
  t.is(early(few).choices[0]?.hook, 'tc')
  t.is(early(blacklist).choices[0]?.hook, 'xdp')
})

test('without devices there is nothing to choose', t => {
  const rulesets = [parseSave('*filter\n:INPUT DROP\nCOMMIT\n', { family: 4 })]
  t.deepEqual(
    planEarly(rulesets, { counters: newLayout(rulesets) }, { devices: [], tables: [], unavailable: {} }),
    { choices: [], programs: [] },
  )
})

test('what fails is left out, with the reason', t => {
  const first = early(blacklist)
  const withoutXdp = afterFailure(first, {}, new Error('no driver')) ?? {}
  const second = early(blacklist, withoutXdp)
  t.is(second.choices[0]?.hook, 'tc')
  t.regex(second.choices[0]?.reason ?? '', /not XDP: no driver/)
  const withoutBoth = afterFailure(second, withoutXdp, new Error('no TCX')) ?? {}
  const third = early(blacklist, withoutBoth)
  t.is(third.choices[0]?.hook, 'none')
  t.regex(third.choices[0]?.reason ?? '', /no TCX.*no driver/)
  t.is(afterFailure(third, withoutBoth, new Error('another')), undefined)
})

test('nothing is dropped early where a table of the kernel comes first, and no device loses GRO for it', t => {
  const { choices, programs } = early(blacklist, {}, ['nat'])
  t.is(choices[0]?.hook, 'none')
  t.regex(choices[0]?.reason ?? '', /nat/)
  t.deepEqual(programs, [])
  t.is(early(blacklist, {}, ['security']).choices[0]?.hook, 'xdp')
})
