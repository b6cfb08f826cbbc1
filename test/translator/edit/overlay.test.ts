// Trees that go on in another program, without their rules: it must judge and count as the rules do that there are now, whatever was put in or taken out since.

import test from 'ava'
import { type Family, parseSave, type Ruleset } from 'iptables-parser'
import { type CounterLayout, newLayout } from '../../../translator/counter.ts'
import { stretchesOf } from '../../../translator/edit/kept.ts'
import type { KeptRun } from '../../../translator/edit/overlay.ts'
import { narrowedTo } from '../../../translator/edit/overlay.ts'
import { type Between, MET_NONE } from '../../../translator/edit/parted.ts'
import { FieldSets } from '../../../translator/field-sets.ts'
import { ruleItems } from '../../../translator/item.ts'
import type { ProgramSpec } from '../../../translator/program.ts'
import { type LaneProgram, type TranslateOptions, translate } from '../../../translator/translate.ts'
import { aim } from '../../kernel/harness/aim.ts'
import { type Random, seeded } from '../../kernel/harness/random.ts'
import { arrivalOf, evaluator, loaded } from '../simulate.ts'
import { type Current, editRandomly, randomRule } from './random-stretch.ts'

const { BPFTABLES_SEED: givenSeed } = process.env
const firstSeed = givenSeed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(givenSeed)

const LENGTH = 40
/** Slots for rules that are put in. */
const SPARE = 32

/** Trees in maps with few rules: one, or several apart for whole and other transport headers. */
const inMaps = (several: boolean) =>
  ({
    dispatch: 'never',
    leastSeparated: 8,
    map: 'always',
    separate: several ? 'always' : 'cheapest',
  }) as const

const textOf = (rules: readonly string[]): string =>
  [
    '*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n',
    ...rules.map(rule => `-A INPUT ${rule}\n`),
    'COMMIT\n',
  ].join('')

const rulesetOf = (rules: readonly string[], family: Family): Ruleset => parseSave(textOf(rules), { family })

function translated(
  ruleset: Ruleset,
  counters: CounterLayout,
  strategies: NonNullable<TranslateOptions['strategies']>,
): LaneProgram {
  const lane = { hook: 'nf-input', family: ruleset.family } as const
  const translation = translate([ruleset], { lanes: [lane], counters, strategies })
  const [program] = translation.kind === 'translated' ? translation.programs : []
  if (!program) throw new Error('not translated')
  return program
}

/** The policies of three chains count beside the rules. */
const layoutOf = ({ arrays }: CounterLayout, slots: readonly number[]): CounterLayout => ({
  arrays,
  slots: [0, ...slots, LENGTH + SPARE + 1, LENGTH + SPARE + 2],
})

/** The program with the maps that it takes over from the one before. */
const withMapsOf = ({ spec, trees }: LaneProgram, before: LaneProgram): ProgramSpec => ({
  ...spec,
  maps: spec.maps.map(map => {
    const block = trees.get(map.name)?.block
    const source =
      block?.kind === 'kept' ? before.spec.maps.find(({ name }) => name === block.map) : undefined
    return source?.contents ? { ...map, contents: source.contents } : map
  }),
})

/** What a run of rules comes to that trees made before hold, and the rules as the program is made of them; rules `between` are not laid over. */
function keptRun(
  family: Family,
  before: LaneProgram,
  current: readonly Current[],
  texts: readonly string[],
  between: ReadonlySet<string>,
) {
  const [own] = stretchesOf(before, family, rule => rule).get('INPUT') ?? []
  if (!own) throw new Error('no stretch')
  const lane = { hook: 'nf-input', family } as const
  const setsOf = (text: string): FieldSets[] =>
    rulesetOf([text], family)
      .tables.flatMap(({ chains }) => chains.flatMap(({ rules }) => rules))
      .flatMap(rule => ruleItems(rule, 0, lane, family).map(({ sets }) => FieldSets.of(sets)))
  const edited = texts.filter(text => !between.has(text)).flatMap(setsOf)
  const asked = current.filter(
    ({ text }) => between.has(text) || setsOf(text).some(sets => narrowedTo(sets, edited, family).length > 0),
  )
  const run: KeptRun = { under: own.blocks, edited, rules: asked.length }
  return { own, run, asked }
}

/** Which rules stand behind how many of those in between, and where these are among `asked`. */
function betweenIn(
  current: readonly Current[],
  asked: readonly Current[],
  between: ReadonlySet<string>,
): Between {
  const ofSlots = new Uint8Array(1024).fill(MET_NONE)
  let rank = 0
  for (const { text, slot } of current) {
    ofSlots[slot] = rank
    if (between.has(text) && asked.some(one => one.text === text)) rank++
  }
  const places = asked.flatMap(({ text }, at) => (between.has(text) ? [[at]] : []))
  return { ranks: { ofSlots, firstSlots: new Map() }, places }
}

interface Drawn {
  readonly random: Random
  readonly family: Family
  readonly several: boolean
  readonly edits: number
  /** Whether some of the rules that are put in part the run. */
  readonly parts: boolean
}

function draw({ random, family, several, edits, parts }: Drawn) {
  const first = Array.from({ length: LENGTH }, () => randomRule(random, family))
  const room = newLayout([rulesetOf([...first, ...first.slice(0, SPARE)], family)])
  const original = rulesetOf(first, family)
  const slots = first.map((_, index) => index + 1)
  const before = translated(original, layoutOf(room, slots), inMaps(several))
  const current = first.map((text, index): Current => ({ text, slot: index + 1 }))
  const texts = editRandomly(random, current, edits, () => randomRule(random, family, 0.2))
  const isPutIn = (text: string): boolean =>
    !first.includes(text) && current.filter(one => one.text === text).length === 1
  const between = new Set(parts ? texts.filter(text => isPutIn(text) && random.chance(0.7)) : [])
  const { own, run, asked } = keptRun(family, before, current, texts, between)
  // what lies behind the stretch, since it can never be met or for another reason, is asked as it is
  const rest = current.slice(own.last - LENGTH)
  const behind = own.last < LENGTH ? rest : []
  const beside = asked.filter(one => !behind.includes(one))
  const rows = [{ text: '', slot: 1 }, ...beside, ...behind]
  const parted = between.size > 0 && { between: betweenIn(current, beside, between) }
  const program = translated(
    rulesetOf(
      rows.map(({ text }) => text),
      family,
    ),
    layoutOf(
      room,
      rows.map(({ slot }) => slot),
    ),
    {
      ...inMaps(several),
      // as if many rules had packets in common with the edited ones
      ...(edits % 2 === 0 && { large: 8 }),
      kept: new Map([[1, { ...run, ...parted, rules: beside.length }]]),
    },
  )
  const ruleset = rulesetOf(
    current.map(({ text }) => text),
    family,
  )
  const layout = layoutOf(
    room,
    current.map(({ slot }) => slot),
  )
  return { ruleset, layout, texts, program, spec: withMapsOf(program, before) }
}

for (const family of [4, 6] as const)
  for (const [several, parts] of [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const)
    test(`IPv${family}, ${several ? 'several trees' : 'few trees'}: rules that were put in or taken out are asked over trees that go on${parts ? ', and between their rules' : ''}`, t => {
      t.log(`BPFTABLES_SEED=${firstSeed}`)
      for (let seed = firstSeed; seed < firstSeed + 12; seed++) {
        const random = seeded(seed)
        const drawn = draw({ random, family, several, edits: seed % 7, parts })
        const { ruleset, layout, spec } = drawn
        const expected = evaluator(ruleset)
        const actual = loaded([spec], { ruleset, layout }, 'netfilter')
        const { probes } = aim(ruleset, { seed, limit: 150 })
        const arrivals = probes.flatMap(probe =>
          probe.path.hook === 'INPUT' ? (arrivalOf(probe, 'NEW') ?? []) : [],
        )
        t.true(arrivals.length > 20, `seed ${seed}`)
        for (const arrival of arrivals)
          if (!t.is(actual.judge(arrival), expected.judge(arrival), `seed ${seed}`)) return
        t.deepEqual(
          [...actual.counters()].sort(),
          [...expected.counters()].filter(([, { packets }]) => packets > 0n).sort(),
          `seed ${seed}: ${drawn.texts.join('; ')}`,
        )
      }
    })

test('trees that go on are not made again: their program has no bytes for them', t => {
  const { program } = draw({ random: seeded(1), family: 4, several: false, edits: 2, parts: false })
  const kept = [...program.trees].filter(([, { block }]) => block.kind === 'kept').map(([name]) => name)
  t.true(kept.length > 0)
  for (const name of kept) t.is(program.spec.maps.find(map => map.name === name)?.contents, undefined)
})
