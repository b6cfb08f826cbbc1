import {
  EvaluationError,
  evaluate,
  printAddress,
  type Packet as ReceivedPacket,
  type Ruleset,
} from 'iptables-parser'
import { build } from '../../packet/build.ts'
import { addressTypeOf } from './address-type.ts'
import { devicesOf } from './devices.ts'
import { fixturePackets } from './fixture-probes.ts'
import {
  backOf,
  type ConversationKind,
  conversationKinds,
  conversationProtocol,
  converse,
  quietPort,
} from './flow.ts'
import { markAt } from './marking.ts'
import {
  answered,
  asked,
  firstTranslatedPort,
  type Nat,
  natTable,
  translatedEnds,
  translatedPort,
} from './nat.ts'
import { oddly } from './odd.ts'
import { datagramOf, isSentFromInside, type Path, type Probe } from './probe.ts'
import { type Random, seeded } from './random.ts'
import { type Reach, reachesOf } from './reach.ts'
import { continued, probesOf } from './shot.ts'
import { ipLayer, isFramed, packetOf, pathOf, reversed, type Sketch, ttlAt } from './sketch.ts'
import { nearMiss, plainSketch, scatter, solve } from './solve.ts'
import { groupOf, type Topology, topologyOf } from './topology.ts'
import { type Edit, type Setting, type Wish, wishesOf } from './wish.ts'

/** A rule set's devices, packets to send through it, and what translates their addresses. */
export interface Aim {
  readonly topology: Topology
  readonly probes: readonly Probe[]
  /** iptables-save text of a nat table; left out where nothing is translated. */
  readonly nat?: string
}

export interface AimOptions {
  readonly seed: number
  /** Probes at most; 400 by default. */
  readonly limit?: number
  readonly nat?: Nat | undefined
  /** Left out or true: odd packets are among them. */
  readonly odd?: boolean
}

interface Range {
  readonly random: Random
  readonly ruleset: Ruleset
  readonly setting: Setting
  readonly nat: Nat | undefined
  readonly reaches: readonly Reach[]
  /** Everything the rule set mentions. */
  readonly edits: readonly Edit[]
  /** Whether a rule asks for the state of connections, or they are translated. */
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

/** A conversation along the way of a sketch, which says what the filter table is to see of its first packet. */
const conversation = (
  { setting: { family }, nat }: Range,
  kind: ConversationKind,
  sketch: Sketch,
  name: string,
): readonly Probe[] => {
  const there = pathOf(sketch)
  const { src: client = '', dst: server = '' } = ipLayer(family, sketch)
  const sent = asked(nat, { ...sketch, protocol: conversationProtocol[kind][family] })
  const answer = answered(nat, reversed(sketch))
  return converse(kind, {
    name,
    family,
    client,
    server,
    clientPort: sketch.sport,
    serverPort: sketch.dport,
    asked: { server: printAddress(family, sent.destination), serverPort: sent.dport },
    answered: { client: printAddress(family, answer.destination) },
    there,
    back: backOf(there),
  })
}

/** One of each kind, between addresses the rules mention. */
const conversations = (range: Range): readonly Probe[] =>
  conversationKinds.flatMap((kind, index) => {
    const sport = quietPort(range.random.below(firstTranslatedPort))
    return conversation(range, kind, { ...stray(range), sport }, `conversation-${index}`)
  })

/** Conversations between ends that are translated. */
const translatedConversations = (range: Range, count: number): readonly Probe[] => {
  const { random, nat } = range
  if (nat === undefined) return []
  return Array.from({ length: count }, (_, index) => {
    const sketch = { ...stray(range), ...translatedEnds(random, nat), sport: translatedPort(index) }
    return conversation(range, random.pick(conversationKinds), sketch, `translated-${index}`)
  }).flat()
}

/** Where states matter, new connections now and then go on: those that are let in become established. */
const send = (
  { random, setting: { family }, nat, stateful }: Range,
  sketch: Sketch,
  name: string,
): readonly Probe[] =>
  stateful && sketch.state === 'NEW' && random.chance(0.3)
    ? continued({ family, nat }, sketch, name)
    : probesOf(random, { family, nat }, sketch, name)

const strays = (range: Range, count: number): readonly Probe[] =>
  Array.from({ length: count }, (_, index) => {
    const sketch = stray(range)
    const packet = packetOf(range.setting.family, asked(range.nat, sketch))
    return { name: `stray-${index}`, packet, path: pathOf(sketch) }
  })

/** Packets that would meet rules, were they not made odd; those of one are sent in order. */
const odd = (range: Range, count: number): readonly Probe[] =>
  Array.from({ length: count }, (_, index) => {
    const { random, nat, reaches, setting } = range
    const sketch = reaches.length > 0 && random.chance(0.7) ? hit(range, random.pick(reaches)) : stray(range)
    const name = `odd-${index}`
    const path = pathOf(sketch)
    return oddly(random, packetOf(setting.family, asked(nat, sketch))).map(packet => ({
      name,
      packet,
      path,
      flow: name,
    }))
  }).flat()

/** xdp cannot tell a frame for another host; differential-fixtures.test.ts sends them. */
const forOthers = /^link\/mac-other-host/

/** Packets of fixtures/packets, on any path. */
const fixtures = ({ random, setting: { family, devices } }: Range, count: number): readonly Probe[] =>
  random
    .sample(
      fixturePackets(family).filter(({ name }) => !forOthers.test(name)),
      count,
    )
    .flatMap(({ name, packet }) => {
      const path = pathOf(plainSketch(random, random.pick(hooks), { family, devices }))
      if (isSentFromInside(path) && datagramOf(packet) === undefined) return []
      return [{ name: `fixture ${name}`, packet, path }]
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

const rangeOf = (
  ruleset: Ruleset,
  devices: readonly string[],
  { seed, nat }: Pick<AimOptions, 'seed' | 'nat'>,
): Range => {
  const setting: Setting = { family: ruleset.family, devices: ['lo', ...devices] }
  const reaches = reachesOf(ruleset)
  const edits = reaches.flatMap(({ rule }) => wishesOf(rule, setting)).flatMap(wish => wish.edits)
  return {
    random: seeded(seed),
    ruleset,
    setting,
    nat,
    reaches,
    edits,
    stateful: nat !== undefined || edits.some(({ state }) => state !== undefined),
    attempts: reaches.length > manyRules ? 1 : 6,
  }
}

/**
 * Packets aimed at a rule set: some that meet each rule by a way that leads to it, some that just do not, whole connections, translated
 * ones where there is a nat table, odd packets, and some put together from what the rules mention. The same seed makes the same packets.
 * Where there are more rules than `limit` allows, some of them are drawn.
 */
export const aim = (ruleset: Ruleset, { seed, limit = 400, nat, odd: withOdd = true }: AimOptions): Aim => {
  const devices = devicesOf(ruleset)
  const range = rangeOf(ruleset, devices, { seed, nat })
  const aimed = [
    ...hits(range, Math.floor(limit * 0.3)),
    ...misses(range, Math.floor(limit * 0.15)),
    ...conversations(range),
    ...translatedConversations(range, Math.floor(limit * 0.02)),
    ...odd(range, withOdd ? Math.floor(limit * 0.1) : 0),
    ...fixtures(range, withOdd ? Math.floor(limit * 0.06) : 0),
  ].slice(0, limit)
  return {
    topology: topologyOf(ruleset.family, devices),
    probes: [...aimed, ...strays(range, limit - aimed.length)],
    ...(nat === undefined ? {} : { nat: natTable(nat) }),
  }
}
