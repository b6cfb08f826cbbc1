// A little of the fuzzer; `npm run fuzz` runs it for as long as one likes.

import test from 'ava'
import { kernelMissing } from '../kernel/needs-kernel.ts'
import { fuzz } from './fuzz.ts'

const FILES = 600

const { BPFTABLES_SEED: given } = process.env
const seed = Number(given ?? Date.now() % 2 ** 31)

test('mutated files are read, or refused with a place', t => {
  const { runs, asked, faults } = fuzz({
    seed,
    goOn: count => count < FILES,
    askEvery: kernelMissing === undefined ? 8 : undefined,
    slowMilliseconds: Number.POSITIVE_INFINITY,
  })
  t.is(runs, FILES)
  t.is(asked, kernelMissing === undefined ? FILES / 8 : 0)
  t.deepEqual(faults, [], `seed ${seed}`)
})
