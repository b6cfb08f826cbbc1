// The command line of the benchmark.

import { parseArgs } from 'node:util'
import { contenderNames } from './contender/registry.ts'
import { seriesNames } from './series/registry.ts'

export interface Options {
  readonly series: readonly string[]
  /** Left out: the sizes each series has of itself. */
  readonly rules: readonly number[] | undefined
  readonly contenders: readonly string[]
  /** Series are made once for each. */
  readonly seeds: readonly [number, ...number[]]
  /** Of each contender. */
  readonly namespaces: number
  /** Whether whole commands are timed. */
  readonly loading: boolean
  /** Rule files to measure as well. */
  readonly files: readonly string[]
}

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const usage = `npm run bench -- [OPTION]… [FILE]…

Measures what a packet costs, and how long rules take to load. A FILE holds rules as iptables-save writes them, or the same packed by gzip.

  --series A,B       ${seriesNames.join(', ')}; five-tuple if neither this nor a FILE is given
  --rules N,M        sizes of the rule sets, instead of those that a series has of itself
  --contenders A,B   ${contenderNames.join(', ')}; all of them if not given
  --seed N,M         for other rules and packets of the same kind, each series once for each; 1 if not given
  --namespaces N     that each contender is measured in; 3 if not given
  --no-loading       leaves out how long whole commands take from text to enforcing
  --help
`

/** Reads the command line; undefined where it asks for help. Throws UsageError. */
export function readOptions(words: readonly string[]): Options | undefined {
  const { values, positionals } = parse(words)
  if (values.help) return undefined
  const chosen = values.series ?? (positionals.length > 0 ? '' : 'five-tuple')
  const [first = '', ...others] = list(values.seed ?? '1')
  return {
    series: namesOf(chosen, seriesNames, 'series'),
    rules: values.rules === undefined ? undefined : list(values.rules).map(number),
    contenders: namesOf(values.contenders ?? contenderNames.join(','), contenderNames, 'contender'),
    seeds: [number(first), ...others.map(number)],
    namespaces: number(values.namespaces ?? '3'),
    loading: values['no-loading'] !== true,
    files: positionals,
  }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        series: { type: 'string' },
        rules: { type: 'string' },
        contenders: { type: 'string' },
        seed: { type: 'string' },
        namespaces: { type: 'string' },
        'no-loading': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

const list = (text: string): string[] => text.split(',').filter(word => word !== '')

function namesOf(text: string, known: readonly string[], what: string): string[] {
  const names = list(text)
  const wrong = names.find(name => !known.includes(name))
  if (wrong === undefined) return names
  throw new UsageError(`there is no ${what} "${wrong}"; there are ${known.join(', ')}`)
}

function number(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text)
  throw new UsageError(`"${text}" is not a number from 1 on`)
}
