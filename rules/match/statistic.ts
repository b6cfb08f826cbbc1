import { RuleError } from '../error.ts'
import { defineMatch } from '../extension.ts'
import { option } from '../option.ts'
import { asTerm, listTerm, printTerm, type Term } from '../term.ts'
import { maximum, parseNumber } from '../value/number.ts'
import { type Probability, parseProbability, printProbability } from '../value/probability.ts'
import { parseWord } from '../value/word.ts'

export interface RandomMatch {
  readonly kind: 'statistic'
  readonly mode: 'random'
  readonly probability: Term<Probability>
}

/** One packet of so many, the first match after `packet` of them. */
export interface NthMatch {
  readonly kind: 'statistic'
  readonly mode: 'nth'
  readonly every: Term<number>
  readonly packet: number
}

export type StatisticMatch = RandomMatch | NthMatch

export const statistic = defineMatch<StatisticMatch>()({
  name: 'statistic',
  options: {
    mode: option(text => parseWord(text, ['random', 'nth'], 'mode'), { required: true }),
    probability: option(parseProbability, { negatable: true, excludes: ['every', 'packet'] }),
    every: option(text => parseNumber(text, 1, maximum(32), 'number of packets'), { negatable: true }),
    packet: option(text => parseNumber(text, 0, maximum(32), 'packet')),
  },
  build(given) {
    const [probability, every, packet] = [asTerm(given.probability), asTerm(given.every), given.packet?.value]
    if (given.mode?.value === 'random') {
      if (!probability) throw new RuleError('ERR_OPTION', 'the mode random needs --probability')
      return { kind: 'statistic', mode: 'random', probability }
    }
    if (!every || packet === undefined)
      throw new RuleError('ERR_OPTION', 'the mode nth needs --every and --packet')
    if (packet >= every.value)
      throw new RuleError('ERR_VALUE', `the packet must be below ${every.value}`, given.packet)
    return { kind: 'statistic', mode: 'nth', every, packet }
  },
  print: match =>
    match.mode === 'random'
      ? ` --mode random${printTerm('probability', match.probability, printProbability)}`
      : ` --mode nth${printTerm('every', match.every, String)} --packet ${match.packet}`,
  list: match =>
    match.mode === 'random'
      ? ` statistic mode random${listTerm('probability', match.probability, printProbability)}`
      : ` statistic mode nth${listTerm('every', match.every)}${match.packet === 0 ? '' : ` packet ${match.packet}`}`,
})
