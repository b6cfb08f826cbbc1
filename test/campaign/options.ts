import { parseArgs } from 'node:util'
import type { Family, TableName } from 'iptables-parser'
import { defaultStrategies, type Strategies } from '../../translator/chain.ts'
import { type DirectHook, directHooks } from '../kernel/harness/direct.ts'

/** What to try: every seed in both families at every hook under every choice of strategies. */
export interface CampaignOptions {
  readonly first: number
  readonly last: number
  readonly hooks: readonly DirectHook[]
  readonly families: readonly Family[]
  readonly strategies: readonly Partial<Strategies>[]
  readonly tables: readonly TableName[]
  /** A file that gets one line of JSON for each trial. */
  readonly log?: string
  /** Nothing is compared: what the packets come to is counted. */
  readonly coverage: boolean
}

export const usage =
  'usage: npm run differential -- --seeds FROM-TO [--hook netfilter,early-xdp,early-tc,xdp,tc] [--family 4,6] [--strategies NAME=VALUE,… …] [--tables filter] [--log FILE] [--coverage]'

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const fault = (text: string): never => {
  throw new UsageError(text)
}

/** Of a list with commas, each of those that there are. */
const chosen = <T extends string | number>(text: string, known: readonly T[], what: string): readonly T[] =>
  text
    .split(',')
    .map(
      word =>
        known.find(item => `${item}` === word) ??
        fault(`there is no ${what} ${word}; there are ${known.join(', ')}`),
    )

const seedRange = (text: string): readonly [number, number] => {
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? fault(`--seeds takes FROM-TO, not ${text}`)
  return [Number(from), Number(to ?? from)]
}

const isStrategy = (name: string): name is keyof Strategies => Object.hasOwn(defaultStrategies, name)

/** `leastDispatch=4,…`; Infinity is a number here. */
const strategiesOf = (text: string): Partial<Strategies> =>
  Object.fromEntries(
    text.split(',').map(assignment => {
      const [name = '', value = ''] = assignment.split('=')
      if (!isStrategy(name))
        fault(`there is no strategy ${name}; there are ${Object.keys(defaultStrategies).join(', ')}`)
      const wanted: unknown = value === 'true' || value === 'false' ? value === 'true' : Number(value)
      if (typeof wanted !== typeof defaultStrategies[name as keyof Strategies] || Number.isNaN(wanted))
        fault(`${name} is a ${typeof defaultStrategies[name as keyof Strategies]}, not ${value}`)
      return [name, wanted]
    }),
  )

export const readOptions = (words: readonly string[]): CampaignOptions => {
  const { values } = parseArgs({
    args: [...words],
    options: {
      seeds: { type: 'string' },
      hook: { type: 'string', default: directHooks.join(',') },
      family: { type: 'string', default: '4,6' },
      strategies: { type: 'string', multiple: true, default: [] },
      tables: { type: 'string', default: 'filter' },
      log: { type: 'string' },
      coverage: { type: 'boolean', default: false },
    },
  })
  const [first, last] = seedRange(values.seeds ?? fault('--seeds is missing'))
  return {
    first,
    last,
    hooks: chosen(values.hook, directHooks, 'hook'),
    families: chosen(values.family, [4, 6] as const, 'family'),
    strategies: values.strategies.length === 0 ? [{}] : values.strategies.map(strategiesOf),
    tables: chosen(values.tables, ['raw', 'mangle', 'filter'] as const, 'table'),
    coverage: values.coverage,
    ...(values.log === undefined ? {} : { log: values.log }),
  }
}
