// How long one edit takes, as a command beside so many rules: `npm run bench:edits -- [RULES…]`, 0 10 10000 50000 unless said otherwise.
// A rule of a blacklist is added and taken out again, by iptables as bpftables runs it, by the kernel's own, and by what a person would use
// instead. With `--series acl,fw [--rules N]` edits are made behind, before and among the rules of these series instead, and with `--file F` among those of a file (edit-places.ts). All contenders are loaded first, each in a network namespace without a name, and take turns. Needs root.

import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isInstalled } from './contender/iptables.ts'
import { editedFile, editedSeries, emptyTable, measurePlaces, placesTable } from './edit-places.ts'
import { install, ours } from './installed.ts'
import { machine } from './machine.ts'
import { run } from './network.ts'
import { median } from './packet-time.ts'
import { progress } from './progress.ts'
import { blacklist } from './series/blacklist.ts'
import type { Workload } from './workload.ts'

const ROUNDS = 7
const SEED = 1
/** Loading so many rules takes iptables-nft minutes. */
const MOST_NFT = 50_000

type Environment = Readonly<Record<string, string>>
type Command = readonly [command: string, ...args: string[]]

/** How an edit is made. */
interface Contender {
  readonly name: string
  load(workload: Workload, environment: Environment): void
  readonly add: Command
  readonly remove: Command
}

/** In documentation's range, which no series draws from. */
const ADDRESS = '192.0.2.7'
const rule = ['INPUT', '-s', `${ADDRESS}/32`, '-j', 'DROP'] as const

const iptables = (name: string, command: (suffix: '' | '-restore') => string): Contender => ({
  name,
  load: ({ text }, environment) => void run(command('-restore'), [], text, environment),
  add: [command(''), '-A', ...rule],
  remove: [command(''), '-D', ...rule],
})

const ownersOf = (rules: number): readonly Contender[] => [
  iptables('bpftables', suffix => ours(`iptables${suffix}`)),
  iptables('iptables-legacy', suffix => `iptables-legacy${suffix}`),
  ...(rules > MOST_NFT ? [] : [iptables('iptables-nft', suffix => `iptables-nft${suffix}`)]),
  {
    name: 'nft set, by hand',
    load: ({ nft = '' }) => void run('nft', ['-f', '-'], nft),
    add: ['nft', 'add', 'element', 'ip', 'bench', 'sources', `{ ${ADDRESS} }`],
    remove: ['nft', 'delete', 'element', 'ip', 'bench', 'sources', `{ ${ADDRESS} }`],
  },
  {
    name: 'ipset, by hand',
    load: ({ nft = '' }) => {
      const elements = /elements = \{ ([^}]*) \}/.exec(nft)?.[1] ?? ''
      const lines = elements
        .split(',\n')
        .filter(Boolean)
        .map(address => `add sources ${address}\n`)
      run('ipset', ['restore'], `create sources hash:ip maxelem 1000000\n${lines.join('')}`)
    },
    add: ['ipset', 'add', 'sources', ADDRESS],
    remove: ['ipset', 'del', 'sources', ADDRESS],
  },
  {
    name: 'node alone',
    load: () => {},
    add: [process.execPath, '-e', '0'],
    remove: [process.execPath, '-e', '0'],
  },
]

interface Ready {
  readonly contender: Contender
  readonly time: (command: Command) => number
  readonly close: () => void
}

function prepare(contender: Contender, workload: Workload): Ready {
  const { environment, inside, close } = install()
  inside(() => contender.load(workload, environment))
  return {
    contender,
    time: ([command, ...args]) => {
      const start = performance.now()
      inside(() => run(command, args, '', environment))
      return performance.now() - start
    },
    close,
  }
}

/** Milliseconds. */
interface Result {
  readonly contender: string
  readonly rules: number
  readonly add: number
  readonly remove: number
}

function measure(rules: number): Result[] {
  const made = blacklist(4).make(Math.max(rules, 1), SEED)
  const workload = rules > 0 ? made : { ...made, text: '*filter\nCOMMIT\n' }
  const contenders = ownersOf(rules).filter(({ add: [command] }) => isInstalled(command))
  const ready = contenders.map(contender => {
    progress(`${rules} rules: ${contender.name}`)
    return prepare(contender, workload)
  })
  try {
    const rounds = Array.from({ length: ROUNDS }, () =>
      ready.map(({ contender, time }) => ({ add: time(contender.add), remove: time(contender.remove) })),
    )
    return contenders.map(({ name }, index) => ({
      contender: name,
      rules,
      add: median(rounds.map(round => round[index]?.add ?? Number.NaN)),
      remove: median(rounds.map(round => round[index]?.remove ?? Number.NaN)),
    }))
  } finally {
    for (const { close } of ready) close()
  }
}

function table(sizes: readonly number[], results: readonly Result[]): string {
  const cell = (result: Result | undefined): string =>
    result ? `${result.add.toFixed(0)} / ${result.remove.toFixed(0)}` : ''
  const names = [...new Set(results.map(({ contender }) => contender))]
  const rows = names.map(name => [
    name,
    ...sizes.map(size => cell(results.find(({ contender, rules }) => contender === name && rules === size))),
  ])
  const head = [
    'ms to add / to delete beside so many rules',
    ...sizes.map(size => size.toLocaleString('en-US')),
  ]
  return [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows]
    .map(row => `| ${row.join(' | ')} |\n`)
    .join('')
}

/** Beside a blacklist of several sizes, or in and beside the rules of several series. */
function measureAll(): object {
  const { values, positionals } = parseArgs({
    options: {
      series: { type: 'string' },
      rules: { type: 'string', default: '10000' },
      file: { type: 'string', multiple: true, default: [] },
    },
    allowPositionals: true,
  })
  if (values.series !== undefined || values.file.length > 0) {
    const names = values.series?.split(',') ?? []
    const edited = names.map(name => [name, editedSeries(name, Number(values.rules))] as const)
    const files = values.file.map(path => [basename(path), editedFile(path)] as const)
    const places = measurePlaces(new Map([['none', emptyTable], ...edited, ...files]))
    progress('')
    process.stdout.write(placesTable(places))
    return { rules: Number(values.rules), places }
  }
  const sizes = positionals.length > 0 ? positionals.map(Number) : [0, 10, 10_000, 50_000]
  const results = sizes.flatMap(measure)
  progress('')
  process.stdout.write(table(sizes, results))
  return { rounds: ROUNDS, results }
}

const measured = measureAll()
const directory = fileURLToPath(new URL('../../bench/results', import.meta.url))
mkdirSync(directory, { recursive: true })
const time = new Date().toISOString()
const file = join(directory, `${time.replaceAll(':', '').replace(/\..*/, '')}-edits.json`)
writeFileSync(file, `${JSON.stringify({ time, machine: machine(), ...measured }, null, 1)}\n`)
process.stdout.write(`${relative(process.cwd(), file)}\n`)
