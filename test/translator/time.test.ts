// What time it is, as programs make it of the clock: random rules at random instants, against the reference evaluator.

import test from 'ava'
import { evaluate, parseSave } from 'iptables-parser'
import { newVm } from '../../translator/vm/vm.ts'
import { seeded } from '../kernel/harness/random.ts'
import { build } from '../packet/build.ts'
import { parsePacket } from '../packet/text.ts'
import { compileText } from './compile.ts'

const two = (value: number): string => String(value).padStart(2, '0')
const DAY = 86_400
const LAST = 2 ** 31 - 1

const bytes = build(parsePacket('ip / udp'))

test('programs know the time of day, the day of the week and of the month at every instant', t => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.log(`seed ${seed}`)
  const random = seeded(seed)
  const dayTime = (): string => `${two(random.below(24))}:${two(random.below(60))}:${two(random.below(60))}`
  const instant = (): string => new Date(random.below(LAST) * 1000).toISOString().slice(0, 19)
  const days = (count: number): string =>
    random
      .sample(
        Array.from({ length: count }, (_, index) => index + 1),
        1 + random.below(count - 1),
      )
      .join(',')
  const sometimes = (text: () => string): string => (random.chance(0.4) ? text() : '')
  const question = (): string => {
    const [one, other] = [dayTime(), dayTime()]
    const overMidnight = one >= other
    return [
      '-m time',
      sometimes(() => `--datestart ${instant()}`),
      sometimes(() => `--datestop ${instant()}`),
      ...(random.chance(0.8)
        ? [`--timestart ${one} --timestop ${other}`]
        : ['--timestart 12:00 --timestop 12:00']),
      sometimes(() => `--weekdays ${days(7)}`),
      sometimes(() => `--monthdays ${days(31)}`),
      overMidnight ? sometimes(() => '--contiguous') : '',
    ].join(' ')
  }
  let met = 0
  for (let round = 0; round < 60; round++) {
    const text = `*filter\n-A OUTPUT ${question()} -j DROP\nCOMMIT\n`
    const ruleset = parseSave(text, { family: 4 })
    let now = 0
    const programs = compileText(text, 4).map(({ spec }) => spec)
    const vm = newVm(programs, { world: { now: () => BigInt(now) * 1_000_000_000n + 999_999_999n } })
    for (let count = 0; count < 100; count++) {
      now = random.below(LAST)
      // the turns of days and of times
      if (random.chance(0.3))
        now = Math.min(
          LAST,
          Math.floor(now / DAY) * DAY + random.pick([0, 1, 43_199, 43_200, 43_201, DAY - 1]),
        )
      const packet = { family: 4 as const, bytes, inInterface: '', outInterface: 'eth0', time: now }
      const { verdict } = evaluate(ruleset, 'filter', 'OUTPUT', packet)
      const actual = vm.run('nf_output_ipv4', { kind: 'netfilter', packet: bytes, hook: 3, pf: 2 }).verdict
      if (verdict === 'drop') met++
      t.is(actual === 0 ? 'drop' : 'accept', verdict, `${now} ${text}`)
    }
  }
  t.true(met > 200, `${met} met`)
})

test('each day from 1970 to 2038 is the day of the month that it is', t => {
  const ruleset = '*filter\n-A OUTPUT -m time --monthdays 1,29 -j DROP\nCOMMIT\n'
  let now = 0n
  const vm = newVm(
    compileText(ruleset, 4).map(({ spec }) => spec),
    { world: { now: () => now * 1_000_000_000n } },
  )
  for (let day = 0; day * DAY < LAST; day++) {
    now = BigInt(day * DAY)
    const expected = [1, 29].includes(new Date(day * DAY * 1000).getUTCDate())
    const { verdict } = vm.run('nf_output_ipv4', { kind: 'netfilter', packet: bytes, hook: 3, pf: 2 })
    if ((verdict === 0) !== expected) return t.fail(`day ${day}`)
  }
  t.pass()
})
