import type { Tried } from './campaign.ts'

const distinct = <T>(items: Iterable<T>): readonly T[] => [...new Set(items)]

/** `1-3, 7`. */
export const ranges = (numbers: Iterable<number>): string => {
  const sorted = distinct(numbers).toSorted((a, b) => a - b)
  const starts = sorted.filter((number, index) => sorted[index - 1] !== number - 1)
  const ends = sorted.filter((number, index) => sorted[index + 1] !== number + 1)
  return starts
    .map((start, index) => (start === ends[index] ? `${start}` : `${start}-${ends[index]}`))
    .join(', ')
}

/** `early-xdp 40, tc 39`: how many trials each hook had. */
const perHook = (trials: readonly Tried[]): string =>
  distinct(trials.map(({ hook }) => hook))
    .map(hook => `${hook} ${trials.filter(trial => trial.hook === hook).length}`)
    .join(', ')

const sum = (trials: readonly Tried[], what: 'rules' | 'hit' | 'packets'): number =>
  trials.reduce((total, trial) => total + trial[what], 0)

/** `seed 5 (IPv4 at xdp), …`. */
const where = (trials: readonly Tried[]): string =>
  trials.map(({ seed, family, hook }) => `seed ${seed} (IPv${family} at ${hook})`).join(', ')

const told = (count: number, what: string, trials: readonly Tried[]): string =>
  count === 0 ? `no ${what}` : `${count} ${what}: ${where(trials)}`

/** What trials come to, for people. A rule set is one however many hooks it was tried at. */
export const summarise = (trials: readonly Tried[]): string => {
  const refused = trials.filter(trial => trial.refused)
  const differing = trials.filter(trial => trial.difference !== undefined && !trial.refused)
  return [
    `${distinct(trials.map(({ ruleset }) => ruleset)).length} different rule sets in ${trials.length} trials (${perHook(trials)})`,
    `seeds ${ranges(trials.map(({ seed }) => seed))}`,
    `${sum(trials, 'packets')} packets, ${sum(trials, 'rules')} rules, of which some packet met ${sum(trials, 'hit')}`,
    told(differing.length, 'differences', differing),
    told(refused.length, 'refused by the verifier', refused),
  ].join('\n')
}
