// Programs in front of others hold the same rules in the same trees, as a rule, so what is found out about the trees of one is true of those of the other: trees are told to be
// the same by their bytes, and what is asked of them by what it says.

import type { Trees } from '../../../translator/tree/word-tree.ts'

interface Known {
  readonly question: string
  readonly answer: unknown
}

/** What was found out about trees by one command. */
export class AmendMemory {
  readonly #trees: { readonly trees: Trees; readonly known: Known[] }[] = []

  /** The answer to a question about trees, which must depend on nothing else than these and what the question says: plain data. */
  about<T>(trees: Trees, question: readonly unknown[], answer: () => T): T {
    const known = this.#knownOf(trees)
    const text = textOf(question)
    const found = known.find(one => one.question === text)
    if (found) return found.answer as T
    const made = answer()
    known.push({ question: text, answer: made })
    return made
  }

  #knownOf(trees: Trees): Known[] {
    const same = this.#trees.find(one => isSame(one.trees, trees))
    if (same) return same.known
    const known: Known[] = []
    this.#trees.push({ trees, known })
    return known
  }
}

const isSame = (one: Trees, other: Trees): boolean =>
  one === other ||
  (Buffer.compare(one.bytes, other.bytes) === 0 && textOf(one.layout) === textOf(other.layout))

const textOf = (data: unknown): string =>
  JSON.stringify(data, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
