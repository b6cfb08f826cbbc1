import { EvaluationError, evaluate, type Packet as ReceivedPacket, type Ruleset } from 'iptables-parser'
import { build } from '../../packet/build.ts'
import { addressTypeOf } from './address-type.ts'
import { devicesOf } from './devices.ts'
import { backOf, conversationKinds, converse, quietPort } from './flow.ts'
import { markAt } from './marking.ts'
import { datagramOf, type Path, type Probe } from './probe.ts'
import { type Random, seeded } from './random.ts'
import { type Reach, reachesOf } from './reach.ts'
import { continued, oddly, probesOf } from './shot.ts'
import { ipLayer, isFramed, packetOf, pathOf, type Sketch, ttlAt } from './sketch.ts'
import { nearMiss, plainSketch, scatter, solve } from './solve.ts'
import { groupOf, type Topology, topologyOf } from './topology.ts'
import { type Edit, type Setting, type Wish, wishesOf } from './wish.ts'

/** A rule set's devices, and packets to send through it. */
export interface Aim {
  readonly topology: Topology
  readonly probes: readonly Probe[]
}

export interface AimOptions {
  readonly seed: number
  /** Probes at most; 400 by default. */
  readonly limit?: number
}

interface Range {
  readonly random: Random
  readonly ruleset: Ruleset
  readonly setting: Setting
  readonly reaches: readonly Reach[]
  /** Everything the rule set mentions. */
  readonly edits: readonly Edit[]
  /** Whether a rule asks for the state of connections. */
  readonly stateful: boolean
  /** How often to try for a packet that no earlier rule takes. */
  readonly attempts: number
}

const hooks: readonly Path['hook'][] = ['INPUT', 'FORWARD', 'OUTPUT']

const isOther = (device: string): boolean => device !== 'lo'

/** As the base chain sees a sketch that is sent. */
const received = ({ family, devices }: Setting, sketch: Sketch): ReceivedPacket => ({
  family,
  bytes: build(datagramOf(packetOf(family, { ...sketch, ttl: ttlAt(sketch) })) ?? []),
  inInterface: sketch.inDevice,
  outInterface: sketch.outDevice,
  conntrack: { state: sketch.state },
  type: sketch.cast,
  mark: markAt(sketch),
  inGroup: groupOf(sketch.inDevice),
  outGroup: groupOf(sketch.outDevice),
  ...(family === 4 && {
    sourceType: addressTypeOf(devices.filter(isOther), sketch.source),
    destinationType: addressTypeOf(devices.filter(isOther), sketch.destination),
  }),
  ...(isFramed(sketch) ? { sourceMac: Number(`0x${sketch.mac.replaceAll(':', '')}`) } : {}),
})

/** Whether the reference evaluator says the packet meets the rule; true where it cannot say. */
const meets = (
  { ruleset, setting }: Range,
  { table, base, chain, number }: Reach,
  sketch: Sketch,
): boolean => {
  try {
    const { path } = evaluate(ruleset, table, base, received(setting, sketch))
    return path.some(step => step.chain === chain && step.number === number)
  } catch (error) {
    if (error instanceof EvaluationError) return true
    throw error
  }
}

const callerWishes = ({ setting }: Range, { callers }: Reach): readonly Wish[] =>
  callers.flatMap(rule => wishesOf(rule, setting))

/** A sketch that meets a rule; if it can be, one that no rule before it takes. */
const hit = (range: Range, reach: Reach): Sketch => {
  const { random, setting, attempts } = range
  const wishes = [...callerWishes(range, reach), ...wishesOf(reach.rule, setting)]
  const attempt = (): Sketch => solve(random, plainSketch(random, reach.hook, setting), wishes)
  let sketch = attempt()
  for (let count = 1; count < attempts && !meets(range, reach, sketch); count++) sketch = attempt()
  return sketch
}

/** A sketch that meets all of a rule but one thing; none for a rule that asks nothing. */
const miss = (range: Range, reach: Reach): Sketch | undefined => {
  const { random, setting } = range
  const wishes = wishesOf(reach.rule, setting)
  if (wishes.length === 0) return undefined
  const missed = random.pick(wishes)
  const others = [...callerWishes(range, reach), ...wishes.filter(wish => wish !== missed)]
  return nearMiss(random, solve(random, plainSketch(random, reach.hook, setting), others), missed, others)
}

const stray = ({ random, setting, edits }: Range): Sketch =>
  scatter(random, plainSketch(random, random.pick(hooks), setting), edits)

const nameOf = ({ hook, chain, number }: Reach): string => `${hook}/${chain}:${number}`

/** One of each kind, between addresses the rules mention. */
const conversations = (range: Range): readonly Probe[] =>
  conversationKinds.flatMap((kind, index) => {
    const sketch = stray(range)
    const { src: client = '', dst: server = '' } = ipLayer(range.setting.family, sketch)
    const there = pathOf(sketch)
    return converse(kind, {
      name: `conversation-${index}`,
      family: range.setting.family,
      client,
      server,
      clientPort: quietPort(range.random.below(1000)),
      serverPort: sketch.dport,
      there,
      back: backOf(there),
    })
  })

/** Where rules ask for states, new connections now and then go on: those that are let in become established. */
const send = ({ random, setting, stateful }: Range, sketch: Sketch, name: string): readonly Probe[] =>
  stateful && sketch.state === 'NEW' && random.chance(0.3)
    ? continued(setting.family, sketch, name)
    : probesOf(random, setting.family, sketch, name)

const strays = (range: Range, count: number): readonly Probe[] =>
  Array.from({ length: count }, (_, index) => {
    const sketch = stray(range)
    const packet = packetOf(range.setting.family, sketch)
    const sent = range.random.chance(0.3) ? oddly(range.random, packet) : packet
    return { name: `stray-${index}`, packet: sent, path: pathOf(sketch) }
  })

/** A rule is drawn at most so often. */
const mostRounds = 8

/** About `count` rules: where there are fewer, all of them as often as that allows. */
const draw = ({ random, reaches }: Range, count: number): readonly Reach[] => {
  if (reaches.length >= count) return random.sample(reaches, count)
  const rounds = Math.min(mostRounds, Math.floor(count / reaches.length))
  return Array.from({ length: rounds }, () => reaches).flat()
}

const hits = (range: Range, count: number): readonly Probe[] =>
  draw(range, count).flatMap((reach, index) =>
    send(range, hit(range, reach), `hit-${index}-${nameOf(reach)}`),
  )

const misses = (range: Range, count: number): readonly Probe[] =>
  draw(range, count).flatMap((reach, index) => {
    const sketch = miss(range, reach)
    return sketch === undefined ? [] : send(range, sketch, `miss-${index}-${nameOf(reach)}`)
  })

/** Beyond so many rules evaluating every try costs more than it finds. */
const manyRules = 2000

const rangeOf = (ruleset: Ruleset, devices: readonly string[], seed: number): Range => {
  const setting: Setting = { family: ruleset.family, devices: ['lo', ...devices] }
  const reaches = reachesOf(ruleset)
  const edits = reaches.flatMap(({ rule }) => wishesOf(rule, setting)).flatMap(wish => wish.edits)
  return {
    random: seeded(seed),
    ruleset,
    setting,
    reaches,
    edits,
    stateful: edits.some(({ state }) => state !== undefined),
    attempts: reaches.length > manyRules ? 1 : 4,
  }
}

/**
 * Packets aimed at a rule set: some that meet each rule by a way that leads to it, some that just do not, and
 * some put together from what the rules mention, odd ones among them. The same seed makes the same packets.
 * Where there are more rules than `limit` allows, some of them are drawn.
 */
export const aim = (ruleset: Ruleset, { seed, limit = 400 }: AimOptions): Aim => {
  const devices = devicesOf(ruleset)
  const range = rangeOf(ruleset, devices, seed)
  const aimed = [
    ...hits(range, Math.floor(limit * 0.35)),
    ...misses(range, Math.floor(limit * 0.2)),
    ...conversations(range),
  ].slice(0, limit)
  return {
    topology: topologyOf(ruleset.family, devices),
    probes: [...aimed, ...strays(range, limit - aimed.length)],
  }
}
