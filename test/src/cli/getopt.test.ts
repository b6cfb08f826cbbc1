import test from 'ava'
import { getopt, type OptionSpec } from '../../../src/cli/getopt.ts'

const specs: readonly OptionSpec[] = [
  { short: 'c', long: 'counters' },
  { short: 'n', long: 'noflush' },
  { short: 't', long: 'test' },
  { short: 'T', long: 'table', argument: 'required' },
  { short: 'w', long: 'wait', argument: 'number' },
]

const understood: readonly (readonly [
  words: string,
  options: Readonly<Record<string, string>>,
  operands?: string,
])[] = [
  ['', {}],
  ['-nc', { noflush: '', counters: '' }],
  ['-T nat', { table: 'nat' }],
  ['-cTnat', { counters: '', table: 'nat' }],
  ['--table=nat', { table: 'nat' }],
  ['--tab nat', { table: 'nat' }],
  ['-T raw -T nat', { table: 'nat' }],
  ['-w', { wait: '' }],
  ['-w 5 file', { wait: '5' }, 'file'],
  ['-w file', { wait: '' }, 'file'],
  ['--wait=5', { wait: '5' }],
  ['file -c', { counters: '' }, 'file'],
  ['-- -c', {}, '-c'],
  ['-', {}, '-'],
]

for (const [words, options, operands] of understood)
  test(`getopt understands "${words}"`, t => {
    const given = getopt(words === '' ? [] : words.split(' '), specs)
    t.deepEqual(Object.fromEntries(given.options), options)
    t.is(given.operands.join(' '), operands ?? '')
  })

const refused: Readonly<Record<string, string>> = {
  '-Z': "invalid option -- 'Z'",
  '-T': "option requires an argument -- 'T'",
  '--table': "option '--table' requires an argument",
  '--counters=1': "option '--counters' doesn't allow an argument",
  '--t': "option '--t' is ambiguous",
  '--zzz': "unrecognized option '--zzz'",
}

for (const [words, message] of Object.entries(refused))
  test(`getopt refuses "${words}"`, t => {
    t.throws(() => getopt(words.split(' '), specs), { name: 'OptionError', message })
  })
