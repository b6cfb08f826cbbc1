// Random rule sets that become trees in maps: nested prefixes, protocols and port ranges, as ClassBench has them, and random edits of them, most of them in
// the middle.

import type { Family } from 'iptables-parser'
import type { Random } from '../harness/random.ts'
import { editWords, type Lengths, type Sketched, type Verb, wide } from './random-edits.ts'
import { sketchTable } from './sketch.ts'

const verbs: readonly Verb[] = ['append', 'insert', 'insert', 'replace', 'delete at', 'delete same']

/** Prefixes of a few networks, so that some lie in others and most rules have little in common. */
function prefix(random: Random, family: Family): string {
  const value = random.below(4096)
  const free = random.chance(0.7) ? 0 : random.below(random.chance(0.2) ? 10 : 5)
  const network = (value >> free) << free
  return family === 4
    ? `198.51.${100 + (network >> 8)}.${network & 255}/${32 - free}`
    : `2001:db8:1::${network.toString(16)}/${128 - free}`
}

function ports(random: Random, side: 'sport' | 'dport'): string {
  const from = 1000 + random.below(200)
  return `--${side} ${from}${random.chance(0.3) ? `:${from + random.below(300)}` : ''}`
}

function protocol(random: Random): string[] {
  const name = random.pick(['tcp', 'tcp', 'udp', 'esp', ''])
  if (name === '' || name === 'esp') return name === '' ? [] : ['-p', name]
  const asked = [
    ...(random.chance(0.2) ? [ports(random, 'sport')] : []),
    ...(random.chance(0.7) ? [ports(random, 'dport')] : []),
  ]
  return ['-p', name, ...(asked.length > 0 ? ['-m', name, ...asked] : [])]
}

/** Which addresses rules ask for: where few ask for both, as in the rules of firewalls, most have packets in common with many. */
const addresses = {
  lists: [['-s'], ['-d'], ['-s', '-d'], ['-s', '-d']],
  firewall: [['-s'], ['-d'], ['-d'], ['-s', '-d']],
}

/** A rule that decides, or where it may one that only counts. */
function ruleOf(random: Random, family: Family, like: keyof typeof addresses, counting = 0): string {
  const sides = random.pick(addresses[like])
  const target = random.chance(counting) ? [] : ['-j', random.pick(['DROP', 'ACCEPT', 'RETURN'])]
  return [...sides.map(side => `${side} ${prefix(random, family)}`), ...protocol(random), ...target].join(' ')
}

/** `counting`: how many of the rules that are put in only count; `between`: how many ask for what most rules do, at `ingress` such as is known there. */
export function sketchTrees(
  random: Random,
  family: Family,
  {
    lengths,
    counting,
    between,
    ingress,
    like = 'lists',
  }: {
    readonly lengths: Lengths
    readonly counting: number
    readonly between: number
    readonly ingress: boolean
    readonly like?: keyof typeof addresses
  },
): Sketched {
  const stretch = (chain: keyof Lengths): string[] =>
    Array.from({ length: lengths[chain] }, () => `-A ${chain} ${ruleOf(random, family, like)}`)
  // what stands between cuts the rules in two stretches
  const more = random.chance(0.5) ? ['-A INPUT -i lo', ...stretch('INPUT')] : []
  return {
    rules: sketchTable(random, [...stretch('INPUT'), ...more], stretch('run')),
    edit(count, ruleAt) {
      const chain = random.pick(['INPUT', 'INPUT', 'run'] as const)
      const length = count(chain)
      const wanted = random.chance(between)
        ? `${wide(random, family, ingress)} ${random.pick(['', '-j DROP', '-j ACCEPT', '-j RETURN'])}`.trim()
        : ruleOf(random, family, like, counting)
      const rule = wanted.split(' ')
      const chosen = random.pick([1, 1 + random.below(length), 1 + random.below(length), length])
      // the call of the other chain stays
      const number = ruleAt(chain, chosen).includes('-j run') ? 1 : chosen
      return editWords(random.pick(verbs), { chain, number, rule, ruleAt })
    },
  }
}
