// Edits of chains in which a rule ends every packet early, since whether it matches is not known then: what is behind it need not be read, nor is what is in front of it.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { readIndex } from '../../../src/service/incremental/index-file.ts'
import { readGenerationWord } from '../../../src/service/live.ts'
import { seeded } from '../harness/random.ts'
import type { Installation } from '../installation.ts'
import { kernelTest } from '../needs-kernel.ts'
import { type AnsweredEdits, editOneByOne, pings, withRules } from './around.ts'

const LENGTH = 800

/** Prefixes and port ranges that are trees in maps, and no echo request's. */
const random = seeded(7)
const stretch = (network: number): readonly string[] =>
  Array.from({ length: LENGTH }, (_, value) => {
    const [from, to] = [1000 + random.below(500), 1600 + random.below(500)]
    const source = `198.51.${network + (value >> 6)}.${(4 * value) & 255}/${30 + random.below(2)}`
    return `-s ${source} -d 203.0.113.${random.below(256)}/32 -p tcp -m tcp --dport ${from}:${to} -j ${random.pick(['DROP', 'ACCEPT'])}`
  })

const [first, second] = [stretch(100), stretch(150)]
const call = '-p udp -j called'
const ending = '-m mark --mark 1 -j ACCEPT'

/** How many rules of INPUT trees hold in the program that drops early. */
const heldEarly = ({ settings }: Installation): readonly number[] =>
  (readIndex(settings, readGenerationWord(settings) ?? 0)?.lanes ?? [])
    .filter(({ lane, family }) => lane.early && family === 4)
    .flatMap(({ stretches }) => (stretches.get('INPUT') ?? []).map(({ first, last }) => last - first + 1))

const isEdited = ({ settings }: Installation): boolean =>
  existsSync(join(settings.stateDirectory, `generations/${readGenerationWord(settings)}.edits`))

/** None of them translates all rules again. */
const editAround = (t: ExecutionContext, installation: Installation, edits: AnsweredEdits): void =>
  editOneByOne(t, installation, edits, words => t.true(isEdited(installation), words))

/** Edits in front of the one that ends all early, and behind it. */
const edits: AnsweredEdits = [
  ['-D INPUT 700', 2],
  [`-I INPUT 1300 ${pings}`, 0],
  ['-I INPUT 300 -s 192.0.2.0/24 -p icmp -j ACCEPT', 2],
  ['-D INPUT 300', 0],
  ['-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT', 0],
  ['-D INPUT 1300', 2],
  ['-D INPUT 1299', 2],
]

kernelTest('a rule that ends all early is put among the rules of trees, and edits go on without them', t =>
  withRules(
    [...first, call, ...second],
    installation => {
      t.deepEqual(heldEarly(installation), [LENGTH, LENGTH])
      editAround(t, installation, [[`-I INPUT 500 ${ending}`, 2], ...edits])
      t.deepEqual(heldEarly(installation), [LENGTH])
    },
    ['called'],
  ),
)

kernelTest('a rule that ends all early stands among the rules of trees when these are made', t =>
  withRules(
    [...first.slice(0, 499), ending, ...first.slice(499), call, ...second],
    installation => {
      t.deepEqual(heldEarly(installation), [500])
      editAround(t, installation, edits)
      t.deepEqual(heldEarly(installation), [500])
    },
    ['called'],
  ),
)

kernelTest('a rule that ends all early stands between trees', t =>
  withRules(
    [...first, call, ending, ...second],
    installation => {
      t.deepEqual(heldEarly(installation), [LENGTH])
      editAround(t, installation, edits)
      t.deepEqual(heldEarly(installation), [LENGTH - 1])
      // what is behind comes back, and is read for that
      editOneByOne(t, installation, [[`-D INPUT ${ending}`, 2]])
      t.deepEqual(heldEarly(installation), [LENGTH - 1, LENGTH])
      editAround(t, installation, [['-D INPUT 1299', 2]])
      t.deepEqual(heldEarly(installation), [LENGTH - 1, LENGTH - 1])
    },
    ['called'],
  ),
)
