// The clock cannot be set here, so rules are made for times around now: the kernel's own match and ours see the same moment.

import { parsePacket } from '../packet/text.ts'
import { disagreement, observe } from './harness/differential.ts'
import { direct } from './harness/direct.ts'
import { legacy } from './harness/firewall.ts'
import type { Path, Probe } from './harness/probe.ts'
import { topologyOf } from './harness/topology.ts'
import { hookChoices } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')
const topology = topologyOf(4, ['eth0', 'eth1'])

const DAY = 86_400

/** Far enough from now that both firewalls are done before the rules change their minds. */
const offsets = [-7200, -600, 600, 7200] as const
const farOffsets = [-DAY * 40, -DAY, ...offsets, DAY, DAY * 40] as const

const instant = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 19)
const dayTime = (seconds: number): string => instant(seconds).slice(11)
const weekDay = (seconds: number): number => new Date(seconds * 1000).getUTCDay() || 7
const monthDay = (seconds: number): number => new Date(seconds * 1000).getUTCDate()

const questionsAt = (now: number): readonly string[] => {
  const times = offsets.flatMap(one =>
    offsets.map(other => [dayTime(now + one), dayTime(now + other)] as const),
  )
  const days = [-DAY, 0, DAY].map(offset => now + offset)
  const spans = times.map(([start, stop]) => `--timestart ${start} --timestop ${stop}`)
  const nights = times
    .filter(([start, stop]) => start >= stop)
    .map(([start, stop]) => `--timestart ${start} --timestop ${stop} --contiguous`)
  return [
    ...spans,
    ...farOffsets.flatMap(offset => [
      `--datestart ${instant(now + offset)}`,
      `--datestop ${instant(now + offset)}`,
      `--datestart ${instant(now - 3600)} --datestop ${instant(now + offset)}`,
    ]),
    ...days.flatMap(day => [
      `--weekdays ${weekDay(day)}`,
      `! --weekdays ${weekDay(day)}`,
      `--monthdays ${monthDay(day)}`,
      `! --monthdays ${monthDay(day)} --weekdays ${weekDay(now)}`,
      ...nights.flatMap(night => [
        `${night} --weekdays ${weekDay(day)}`,
        `${night} --monthdays ${monthDay(day)}`,
      ]),
    ]),
  ]
}

const rulesAt = (now: number): string =>
  [
    '*filter',
    ...['INPUT', 'FORWARD', 'OUTPUT'].flatMap(chain =>
      [...new Set(questionsAt(now))].map(question => `-A ${chain} -m time ${question}`),
    ),
    'COMMIT',
    '',
  ].join('\n')

const paths: readonly Path[] = [
  { hook: 'INPUT', device: 'eth0' },
  { hook: 'FORWARD', device: 'eth0', out: 'eth1' },
  { hook: 'OUTPUT', device: 'eth1' },
]
const probes: readonly Probe[] = paths.map(path => ({
  name: path.hook,
  packet: parsePacket('ether / ip / udp'),
  path,
}))

for (const hook of hookChoices)
  kernelTest(`at ${hook}, it is what time iptables-legacy says`, async t => {
    t.timeout(2 * 60_000)
    const rules = rulesAt(Math.floor(Date.now() / 1000))
    const counted = (await observe(legacy, { topology, rules, probes })).filter(line =>
      line.includes('-m time'),
    )
    const met = counted.filter(line => !line.startsWith('[0:0]')).length
    t.true(met > 30 && met < counted.length - 30, `${met} of ${counted.length}`)
    t.is(await disagreement(direct(hook), { topology, rules, probes }), undefined)
  })
