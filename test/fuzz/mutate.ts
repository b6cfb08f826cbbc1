// Small damage to a text, of the kind that people and programs do to rule files.

import type { Random } from '../kernel/harness/random.ts'

const WORDS =
  '-A -I -D -N -m -j -g -p -s ! -f -c tcp ACCEPT LOG --dport INPUT 0 65536 -1 0x10 4294967296 , / : - | " \\ * [1:2] COMMIT # é'.split(
    ' ',
  )

type Mutation = (text: string, random: Random) => string

/** Puts a text in a place of another, instead of so many of its characters. */
function spliced(text: string, random: Random, remove: number, insert: string): string {
  const at = random.below(text.length + 1)
  return text.slice(0, at) + insert + text.slice(at + remove)
}

function swapped(list: readonly string[], random: Random): string[] {
  const [a, b] = [random.below(list.length), random.below(list.length)]
  return list.map((item, index) => (index === a ? (list[b] ?? item) : index === b ? (list[a] ?? item) : item))
}

function repeated(list: readonly string[], random: Random): string[] {
  const at = random.below(list.length)
  return [...list.slice(0, at + 1), ...list.slice(at)]
}

const lines =
  (change: (list: readonly string[], random: Random) => readonly string[]): Mutation =>
  (text, random) =>
    change(text.split('\n'), random).join('\n')

/** Changes the words of one line. */
const words = (change: (list: readonly string[], random: Random) => readonly string[]): Mutation =>
  lines((list, random) => {
    const at = random.below(list.length)
    return list.map((line, index) => (index === at ? change(line.split(' '), random).join(' ') : line))
  })

const without = (list: readonly string[], random: Random): string[] =>
  list.toSpliced(random.below(list.length), 1)

const replaced = (list: readonly string[], random: Random): string[] =>
  list.toSpliced(random.below(list.length), 1, random.pick(WORDS))

const mutations: readonly Mutation[] = [
  (text, random) => spliced(text, random, random.below(8), ''),
  (text, random) => spliced(text, random, 0, random.pick(WORDS)),
  (text, random) => spliced(text, random, 1, random.pick(WORDS)),
  (text, random) => spliced(text, random, 0, ` ${random.pick(WORDS)} `),
  lines(swapped),
  lines(repeated),
  lines(without),
  words(swapped),
  words(repeated),
  words(without),
  words(replaced),
]

/** Up to three changes; now and then none. */
export function mutated(text: string, random: Random): string {
  let result = text
  for (let count = random.below(4); count > 0; count--) result = random.pick(mutations)(result, random)
  return result
}
