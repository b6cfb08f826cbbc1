// What random rules ask of connections.

import { addresses, type Grammar, not, portRanges, ports, prefixes, sometimes } from './grammar.ts'
import { innerAddresses, outerAddresses } from './nat.ts'

const states = [
  'NEW',
  'ESTABLISHED',
  'RELATED',
  'INVALID',
  'RELATED,ESTABLISHED',
  'NEW,INVALID',
  'UNTRACKED',
] as const

export const statePart = (grammar: Grammar): string => {
  const { random, has } = grammar
  const options = [
    ...(has('conntrack') ? ['-m conntrack', '--ctstate'] : []),
    ...(has('state') ? ['-m state', '--state'] : []),
  ]
  if (options.length === 0) return ''
  const first = 2 * random.below(options.length / 2)
  return sometimes(
    grammar,
    0.25,
    () => ` ${options[first]} ${not(grammar)}${options[first + 1]} ${random.pick(states)}`,
  )
}

const connectionAsks = (grammar: Grammar): readonly string[] => {
  const { random, family, nat } = grammar
  const end = random.pick(['orig', 'repl'])
  const side = random.pick(['src', 'dst'])
  const known = [...addresses[family], ...prefixes[family].slice(0, 6)]
  const pool =
    nat === undefined || random.chance(0.5) ? known : [...innerAddresses(nat), ...outerAddresses(nat)]
  return [
    ` ${not(grammar)}--ct${end}${side} ${random.pick(pool)}`,
    ` ${not(grammar)}--ct${end}${side}port ${random.pick([...ports, ...portRanges])}`,
    ` ${not(grammar)}--ctproto ${random.pick(['6', '17', family === 4 ? '1' : '58'])}`,
    ` ${not(grammar)}--ctexpire ${random.pick(['0', '0:19', '41:200000', '15:40'])}`,
    ` --ctdir ${random.pick(['ORIGINAL', 'REPLY'])}`,
    ` ${not(grammar)}--ctstatus ${random.pick(['NONE', 'SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'EXPECTED', 'SEEN_REPLY,CONFIRMED'])}`,
  ]
}

export const connection = (grammar: Grammar): string => {
  const { random } = grammar
  const state = sometimes(
    grammar,
    0.4,
    () => ` ${not(grammar)}--ctstate ${random.pick([...states, 'DNAT', 'SNAT,NEW'])}`,
  )
  return state + random.sample(connectionAsks(grammar), 1 + random.below(2)).join('')
}
