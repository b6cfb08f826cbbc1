import { peerMac } from '../../packet/link.ts'
import { quietPort } from './flow.ts'
import { firstTranslatedPort } from './nat.ts'
import type { Path } from './probe.ts'
import type { Random } from './random.ts'
import type { Sketch } from './sketch.ts'
import type { Edit, Setting, Wish } from './wish.ts'

/** What the harness can send: `lo` neither forwards nor is forwarded to. */
const possible = ({ hook, inDevice, outDevice }: Sketch): boolean => {
  switch (hook) {
    case 'INPUT':
      return inDevice !== '' && outDevice === ''
    case 'OUTPUT':
      return inDevice === '' && outDevice !== ''
    case 'FORWARD':
      return ![inDevice, outDevice].some(device => device === '' || device === 'lo')
  }
}

const address = { 4: 0xc0000200n, 6: 0x20010db8n << 96n } as const
/** TCP more often than the rest. */
const protocols = { 4: [6, 6, 17, 1], 6: [6, 6, 17, 58] } as const
const ports = [80, 443, 53, 9999] as const
const syn = 2

/** A packet nobody asked anything of, between hosts of a documentation network. */
export const plainSketch = (random: Random, hook: Path['hook'], { family, devices }: Setting): Sketch => {
  const outer = devices.filter(device => device !== 'lo')
  return {
    hook,
    inDevice: hook === 'OUTPUT' ? '' : random.pick(outer),
    outDevice: hook === 'INPUT' ? '' : random.pick(outer),
    source: address[family] + 1n + BigInt(random.below(8)),
    destination: address[family] + 16n + BigInt(random.below(8)),
    protocol: random.pick(protocols[family]),
    sport: quietPort(random.below(firstTranslatedPort)),
    dport: random.pick(ports),
    tcpFlags: syn,
    tcpOption: 0,
    icmpType: family === 4 ? 8 : 128,
    icmpCode: 0,
    dccpType: 0,
    spi: 256,
    ttl: 64,
    tos: 0,
    payload: 24,
    mac: peerMac,
    cast: 'unicast',
    fragment: false,
    state: 'NEW',
  }
}

const shuffled = (random: Random, edits: readonly Edit[]): readonly Edit[] =>
  edits
    .map(edit => ({ edit, rank: random.below(2 ** 30) }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ edit }) => edit)

const meetsAll = (sketch: Sketch, wishes: readonly Wish[]): boolean =>
  possible(sketch) && wishes.every(({ met }) => met(sketch))

/** The sketch after the first of the edits that makes it meet the wishes. */
const firstMeeting = (
  sketch: Sketch,
  edits: readonly Edit[],
  wishes: readonly Wish[],
): Sketch | undefined => {
  for (const edit of edits) {
    const changed = { ...sketch, ...edit }
    if (meetsAll(changed, wishes)) return changed
  }
  return undefined
}

/**
 * A sketch that meets the wishes, one after another; one that contradicts those before it is passed over.
 * The edits of all wishes are tried, so that one narrow wish serves another that is wide.
 */
export const solve = (random: Random, plain: Sketch, wishes: readonly Wish[]): Sketch => {
  const edits = wishes.flatMap(wish => wish.edits)
  let sketch = plain
  let held: readonly Wish[] = []
  for (const wish of wishes) {
    const wanted = [...held, wish]
    const tries = [...shuffled(random, wish.edits), {}, ...shuffled(random, edits)]
    const found = firstMeeting(sketch, tries, wanted)
    if (found !== undefined) {
      sketch = found
      held = wanted
    }
  }
  return sketch
}

/** The sketch changed so that it just fails `missed`, and meets the other wishes if that can be. */
export const nearMiss = (
  random: Random,
  sketch: Sketch,
  missed: Wish,
  others: readonly Wish[],
): Sketch | undefined => {
  const misses = shuffled(random, missed.edits)
    .map(edit => ({ ...sketch, ...edit }))
    .filter(changed => possible(changed) && !missed.met(changed))
  return misses.find(changed => meetsAll(changed, others)) ?? misses[0]
}

/** Some of the edits made, as far as the packet stays one that can be sent. */
export const scatter = (random: Random, plain: Sketch, edits: readonly Edit[]): Sketch => {
  let sketch = plain
  for (let count = 0; edits.length > 0 && count < 6; count++) {
    const changed = { ...sketch, ...random.pick(edits) }
    if (possible(changed)) sketch = changed
  }
  return sketch
}
