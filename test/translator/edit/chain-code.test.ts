import test from 'ava'
import { parseSave } from 'iptables-parser'
import { newLayout } from '../../../translator/counter.ts'
import { type ChainCode, canHold, chainCodeOf, unpack } from '../../../translator/edit/chain-code.ts'
import { earlyLane } from '../../../translator/lane.ts'
import {
  type LaneProgram,
  type Translated,
  translate,
  translateAround,
} from '../../../translator/translate.ts'
import { randomChains } from '../../kernel/harness/random-chains.ts'

const PODS = 100
const lane = { hook: 'nf-input', family: 4 } as const
const each = Array.from({ length: PODS }, (_, pod) => pod)

function rulesetOf(chains: readonly string[], rules: readonly string[]) {
  const declared = chains.map(name => `:${name} - [0:0]\n`).join('')
  const text = `*filter\n:INPUT ACCEPT [0:0]\n${declared}${rules.map(rule => `-A ${rule}\n`).join('')}COMMIT\n`
  return parseSave(text, { family: 4, name: 'rules' })
}

const onlyProgram = (translation: Translated | undefined): LaneProgram | undefined => translation?.programs[0]

function programOf(chains: readonly string[], rules: readonly string[]): LaneProgram {
  const ruleset = rulesetOf(chains, rules)
  const translation = translate([ruleset], { lanes: [lane], counters: newLayout([ruleset]) })
  const program = translation.kind === 'translated' ? onlyProgram(translation) : undefined
  if (!program) throw new Error('not translated')
  return program
}

const podsOf = (pods: readonly number[]): LaneProgram =>
  programOf(
    pods.flatMap(pod => [`pod-${pod}`, `policy-${pod}`]),
    pods.flatMap(pod => [
      `INPUT -d 10.0.${pod >> 8}.${pod & 255} -j pod-${pod}`,
      `pod-${pod} -j policy-${pod}`,
      `pod-${pod} -p udp -j DROP`,
      `policy-${pod} -s 192.0.2.0/24 -j RETURN`,
      `policy-${pod} -p tcp -m tcp --dport 8080 -j ACCEPT`,
    ]),
  )

const pods = podsOf(each)
const code = chainCodeOf(pods, 4) as ChainCode

/** The program of a few rules that has the code of the pods. */
function around(chains: readonly string[], rules: readonly string[], held = code): LaneProgram | undefined {
  const ruleset = rulesetOf(chains, rules)
  return onlyProgram(
    translateAround([ruleset], { lanes: [lane], counters: newLayout([ruleset]), held: new Map([[4, held]]) }),
  )
}

test('chains that are called from a base chain in a function of its own have their code, too', t => {
  const all = Array.from({ length: 1000 }, (_, pod) => pod)
  const many = podsOf(all)
  const chainFunctions = new Set(many.chainFunctions.map(({ name }) => name))
  const own = many.spec.functions.filter(({ name }) => !chainFunctions.has(name))
  const calls = (fn: (typeof own)[number] | undefined) =>
    fn?.instructions.some(
      ({ relocation }) => relocation?.kind === 'function' && chainFunctions.has(relocation.name),
    )
  t.false(calls(own[0]))
  t.true(own.slice(1).some(calls))
  const entries = chainCodeOf(many, 4)?.entries
  t.true(all.every(pod => entries?.has(`pod-${pod}`)))
})

test('the chains that a look-up calls stand in functions, and what they call in place in these', t => {
  t.deepEqual([...code.entries.keys()].filter(name => name.startsWith('pod-')).length, PODS)
  t.true(code.functions.length > 0)
  for (const [chain, { function: name }] of code.entries)
    t.true(
      code.functions.some(fn => fn.name === name),
      chain,
    )
  t.true(each.every(pod => code.inPlace.has(`policy-${pod}`) || code.entries.has(`policy-${pod}`)))
})

test('functions are the same packed and unpacked but for what listings say of them', t => {
  for (const packed of code.functions) {
    const original = pods.spec.functions.find(({ name }) => name === packed.name)
    const plain = original?.instructions.map(({ origin: _, label: __, immediate, ...instruction }) => ({
      ...instruction,
      immediate: BigInt(immediate),
    }))
    const unpacked = unpack(packed)
    t.deepEqual(
      unpacked.instructions.map(instruction => ({
        ...instruction,
        immediate: BigInt(instruction.immediate),
      })),
      plain,
    )
    t.deepEqual(unpacked.parameters, original?.parameters)
  }
})

test('another program calls chains as they were called, and reads the fields where they stood', t => {
  const program = around(['pod-3'], ['INPUT -i lo -j ACCEPT', 'INPUT -m ttl --ttl-gt 9 -j pod-3'])
  t.deepEqual(
    program?.spec.functions.filter(({ name }) => code.functions.some(fn => fn.name === name)),
    code.functions.map(unpack),
  )
  t.is(program?.plans[0]?.plan.functions.get('pod-3'), code.entries.get('pod-3')?.function)
  for (const [field, offset] of code.record.offsets) t.is(program?.record.offsets.get(field), offset, field)
  t.true((program?.record.offsets.get('ttl') ?? 0) >= code.record.end)
  const names = program?.spec.maps.map(({ name }) => name) ?? []
  t.is(new Set(names).size, names.length)
  t.true(code.maps.every(({ name }) => names.includes(name)))
})

test('a program can have the code again of one that had it, but for functions that nothing calls any more', t => {
  const again = around(['pod-3'], ['INPUT -j pod-3'])
  const kept = again && chainCodeOf(again, 4)
  t.deepEqual(kept?.entries.get('pod-3'), code.entries.get('pod-3'))
  t.deepEqual(kept?.functions, code.functions)
  const without = around([], ['INPUT -i lo -j ACCEPT'])
  t.truthy(without)
  t.is(without && chainCodeOf(without, 4), undefined)
})

test('the record does not grow with edits of a base chain', t => {
  const program = around(['pod-3'], ['INPUT -j pod-3', 'INPUT -m ttl --ttl-gt 9 -j DROP'])
  const kept = program && chainCodeOf(program, 4)
  t.deepEqual(kept?.record, code.record)
  t.deepEqual(kept?.fields, code.fields)
  t.true((program?.record.end ?? 0) > code.record.end)
})

test('programs of both families that drop early have the code of each', t => {
  const sets = ([4, 6] as const).map(family =>
    parseSave(randomChains({ seed: 5, family, chains: 12, depth: 3, listed: 20, pods: 100 }), { family }),
  )
  const options = { lanes: [earlyLane('xdp', sets)], counters: newLayout(sets) }
  const whole = translate(sets, options)
  const before = whole.kind === 'translated' ? onlyProgram(whole) : undefined
  if (!before) return t.fail()
  const held = new Map(([4, 6] as const).map(family => [family, chainCodeOf(before, family) as ChainCode]))
  const after = onlyProgram(translateAround(sets, { ...options, held }))
  t.deepEqual(after?.record.offsets, before.record.offsets)
  for (const [family, { functions, entries }] of held) {
    t.true(functions.length > 0)
    t.deepEqual(
      after?.spec.functions.filter(({ name }) => functions.some(fn => fn.name === name)),
      functions.map(unpack),
    )
    // of the chains that are held nothing is translated
    const { plan } = after?.plans.find(one => one.family === family) ?? {}
    t.true([...(plan?.chains.keys() ?? [])].every(chain => !entries.has(chain)))
    t.true((plan?.chains.size ?? 0) > 0)
  }
})

test('chains of a name that a held function has get a function of another', t => {
  const stale: ChainCode = {
    ...code,
    entries: new Map([...code.entries].filter(([name]) => name !== 'pod-3')),
  }
  const listed = each.map(pod => `INPUT -d 10.0.1.${pod} -j pod-3`)
  const program = around(['pod-3', 'pod-4'], [...listed, 'INPUT -j pod-4', 'pod-3 -j DROP'], stale)
  const names = program?.spec.functions.map(({ name }) => name) ?? []
  t.is(new Set(names).size, names.length)
  t.not(program?.plans[0]?.plan.functions.get('pod-3'), code.entries.get('pod-3')?.function)
})

const named = <T>(one: T, count: number): T[] =>
  Array.from({ length: count }, (_, at) => ({ ...one, name: `name${at}` }))

test('code is not held where there are too few frames, words, functions or maps for it', t => {
  const program = around(['pod-3'], ['INPUT -j pod-3'])
  const [planned] = program?.plans ?? []
  if (!planned) return t.fail()
  const holds = (held: ChainCode): boolean => canHold(new Map([[4, held]]), [planned])
  t.true(holds(code))
  const [fn, map] = [code.functions[0], pods.spec.maps[0]]
  if (!fn || !map) return t.fail()
  const deep = new Map([...code.entries].map(([name, entry]) => [name, { ...entry, level: 5 }]))
  t.false(holds({ ...code, entries: deep }))
  t.false(holds({ ...code, functions: named(fn, 200) }))
  t.false(holds({ ...code, maps: named(map, 60) }))
  const asked = Array.from({ length: 33 }, (_, at) => `asked:{"kind":"dccp-option","option":${at}}` as const)
  t.false(holds({ ...code, fields: new Set(asked) }))
  t.false(holds({ ...code, record: { ...code.record, families: [4, 6] } }))
})
