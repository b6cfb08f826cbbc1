import { parseArgs } from 'node:util'
import type { Family, TableName } from 'iptables-parser'
import { choices, defaultStrategies, type Strategies } from '../../translator/chain.ts'
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
  'usage: npm run differential -- --summary LOG… | --seeds FROM-TO [--hook netfilter,early-xdp,early-tc,xdp,tc] [--family 4,6] [--strategies NAME=VALUE,… …] [--tables filter] [--log FILE] [--coverage]'

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const fault = (text: string): never => {
  throw new UsageError(text)
}

const chosenOne = <T extends string | number>(word: string, known: readonly T[], what: string): T =>
  known.find(item => `${item}` === word) ??
  fault(`there is no ${what} ${word}; there are ${known.join(', ')}`)

/** Of a list with commas, each of those that there are. */
const chosen = <T extends string | number>(text: string, known: readonly T[], what: string): readonly T[] =>
  text.split(',').map(word => chosenOne(word, known, what))

const seedRange = (text: string): readonly [number, number] => {
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? fault(`--seeds takes FROM-TO, not ${text}`)
  return [Number(from), Number(to ?? from)]
}

const isStrategy = (name: string): name is keyof Strategies => Object.hasOwn(defaultStrategies, name)

/** A number, Infinity among them; a choice; or rules by their indexes, with a plus between them. */
function strategyFrom(name: keyof Strategies, text: string): Strategies[keyof Strategies] {
  const { [name]: usual } = defaultStrategies
  if (typeof usual === 'string') return chosenOne(text, choices, name)
  const numbers = (typeof usual === 'number' ? [text] : text.split('+')).map(Number)
  if (text === '' || numbers.some(Number.isNaN)) fault(`${name} is a number, not ${text}`)
  return typeof usual === 'number' ? (numbers[0] ?? usual) : new Set(numbers)
}

/** `leastDispatch=4,map=always,edited=3+5`. */
const strategiesOf = (text: string): Partial<Strategies> =>
  Object.fromEntries(
    text.split(',').map(assignment => {
      const [name = '', value = ''] = assignment.split('=')
      if (isStrategy(name)) return [name, strategyFrom(name, value)]
      return fault(`there is no strategy ${name}; there are ${Object.keys(defaultStrategies).join(', ')}`)
    }),
  )

/** The logs whose trials are to be summed up; undefined where trials are to be made. */
export const readSummary = (words: readonly string[]): readonly string[] | undefined => {
  const [first, ...logs] = words
  if (first !== '--summary') return undefined
  return logs.length === 0 ? fault('--summary takes one log or more') : logs
}

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
