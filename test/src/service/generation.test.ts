import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'ava'
import {
  clearCurrent,
  forgetGenerations,
  type Generation,
  listGenerations,
  readCurrent,
  readGeneration,
  readUnread,
  writeCurrent,
  writeGeneration,
} from '../../../src/service/generation.ts'
import { readSettings } from '../../../src/service/settings.ts'

const directory = mkdtempSync(join(tmpdir(), 'bpftables-state-'))
test.after.always(() => rmSync(directory, { recursive: true }))

let made = 0
const fresh = () => {
  made += 1
  return readSettings({ BPFTABLES_STATE_DIR: join(directory, `${made}`) })
}

const generation = (number: number): Generation => ({
  number,
  time: '2026-01-01T00:00:00.000Z',
  hook: 'netfilter',
  devices: [],
  namespace: 'net:[1]',
  rulesets: [{ family: 4, text: '*filter\nCOMMIT\n', slots: [0, 1, 2] }],
  counterArrays: [{ name: 'counters0', entries: 1024 }],
  lanes: [{ hook: 'nf-input', family: 4 }],
  conntrack: false,
})

test('a generation is read as it was written', t => {
  const settings = fresh()
  t.deepEqual(listGenerations(settings), [])
  t.is(readCurrent(settings), undefined)
  writeGeneration(settings, generation(7))
  writeCurrent(settings, 7)
  t.like(readGeneration(settings, 7), generation(7))
  t.is(readCurrent(settings), 7)
  t.deepEqual(readdirSync(settings.stateDirectory).sort(), ['current', 'generations'])
  clearCurrent(settings)
  t.is(readCurrent(settings), undefined)
})

test('the rules of a generation go on unread, wherever they stand in its file', t => {
  const settings = fresh()
  const text = '*filter\n-A INPUT -m comment --comment ",\\"rulesets\\":[" -j DROP\nCOMMIT\n'
  const rulesets = [{ family: 4, text, slots: [0, 1] } as const]
  const first = { ...generation(1), namespace: ',"rulesets":[]}', rulesets }
  writeGeneration(settings, first)
  const unread = readUnread(settings, 1)
  t.true('json' in unread.rulesets)
  t.like({ ...unread, rulesets: [] }, { ...first, rulesets: [] })
  writeGeneration(settings, { ...unread, number: 2, conntrack: true })
  t.like(readGeneration(settings, 2), { ...first, number: 2, conntrack: true })
  // as they were written before
  const path = join(settings.stateDirectory, 'generations', '3.json')
  const { conntrack, ...others } = { format: 1, ...first, number: 3 }
  writeFileSync(path, `${JSON.stringify({ ...others, conntrack })}\n`)
  t.deepEqual(readUnread(settings, 3), readGeneration(settings, 3))
})

test('the last ten up to the one in force are kept', t => {
  const settings = fresh()
  for (let number = 1; number <= 14; number += 1) writeGeneration(settings, generation(number))
  forgetGenerations(settings, 13)
  t.deepEqual(listGenerations(settings), [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
})

test('what is missing, damaged or of another make is said', t => {
  const settings = fresh()
  writeGeneration(settings, generation(1))
  const path = (number: number): string => join(settings.stateDirectory, 'generations', `${number}.json`)
  writeFileSync(path(2), '{"format":')
  writeFileSync(path(3), JSON.stringify({ ...generation(3), format: 99 }))
  writeFileSync(path(4), JSON.stringify({ ...generation(1), format: 1 }))
  const says: Readonly<Record<number, string>> = {
    2: `${path(2)} is damaged`,
    3: `${path(3)} has format 99; this program knows 1`,
    4: `${path(4)} holds generation 1`,
    5: `${path(5)} is missing`,
  }
  for (const [number, message] of Object.entries(says))
    t.throws(() => readGeneration(settings, Number(number)), { code: 'ERR_STATE', message })
  writeFileSync(join(settings.stateDirectory, 'current'), 'seven\n')
  t.throws(() => readCurrent(settings), { code: 'ERR_STATE' })
})
