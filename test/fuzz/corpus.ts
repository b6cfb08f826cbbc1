// What the fuzzer begins with: rule files that people run, made-up ones, and a file for each case of each extension.

import fc from 'fast-check'
import type { Family } from 'iptables-parser'
import { collectedFiles } from '../collection.ts'
import { fixtureFiles, ruleFile } from '../rules/extension-cases.ts'
import { restores } from '../rules/random-files.ts'

export interface Sample {
  readonly family: Family
  readonly text: string
}

/** Larger files are more of the same, and slow. */
const LARGEST = 64 * 1024

const realFiles = (): readonly Sample[] =>
  (collectedFiles() ?? []).filter(({ name, text }) => name.startsWith('real/') && text.length < LARGEST)

const madeUp = (family: Family, seed: number): readonly Sample[] =>
  fc
    .sample(restores(family), { seed, numRuns: 50 })
    .flatMap(files => files.map(({ text }): Sample => ({ text, family })))

const cases = (): readonly Sample[] =>
  fixtureFiles().flatMap(file => file.cases.map(one => ({ text: ruleFile(one), family: one.family })))

/** Kinds of samples; each is to be drawn from as often as the others. */
export const corpora = (seed: number): readonly (readonly Sample[])[] =>
  [realFiles(), [...madeUp(4, seed), ...madeUp(6, seed)], cases()].filter(({ length }) => length > 0)
