// Random rules that overlap one another, and random edits of them.

import type { Family } from 'iptables-parser'
import type { Random } from '../../kernel/harness/random.ts'

const prefix = (random: Random, family: Family): string => {
  const free = random.below(5)
  const network = (random.below(32) >> free) << free
  return family === 4
    ? `198.51.100.${network}/${32 - free}`
    : `2001:db8::${network.toString(16)}/${128 - free}`
}

function ports(random: Random, side: string): string {
  const from = 1000 + random.below(8)
  return `--${side} ${from}:${from + random.below(4)}`
}

/** A rule without `-A CHAIN`. `counting`: how likely it only counts. */
export function randomRule(random: Random, family: Family, counting = 0): string {
  const protocol = random.pick(['', 'tcp', 'tcp', 'udp'])
  const asked = [
    ...(random.chance(0.7) ? [`-s ${prefix(random, family)}`] : []),
    ...(random.chance(0.6) ? [`-d ${prefix(random, family)}`] : []),
    ...(protocol === ''
      ? []
      : [`-p ${protocol} -m ${protocol} ${ports(random, random.pick(['sport', 'dport']))}`]),
  ]
  const target = random.chance(counting) ? [] : [`-j ${random.pick(['ACCEPT', 'DROP', 'RETURN'])}`]
  return [...asked, ...target].join(' ')
}

/** A rule as it is now, and where it counts. */
export interface Current {
  readonly text: string
  readonly slot: number
}

/** Makes random edits inside of rules, none at their ends; what was put in or taken out. */
export function editRandomly(
  random: Random,
  rules: Current[],
  edits: number,
  ruleOf: () => string,
): readonly string[] {
  const edited: string[] = []
  let slot = Math.max(...rules.map(one => one.slot))
  for (let edit = 0; edit < edits; edit++) {
    const at = 1 + random.below(rules.length - 2)
    if (random.chance(0.5)) edited.push(...rules.splice(at, 1).map(({ text }) => text))
    else {
      const text = ruleOf()
      rules.splice(at, 0, { text, slot: ++slot })
      edited.push(text)
    }
  }
  return edited
}
