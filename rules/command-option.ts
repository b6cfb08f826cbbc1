// The options that iptables itself knows, as opposed to those of its extensions: which command each asks for, how many
// arguments follow, and which may stand beside which command. Facts found with iptables-legacy 1.8.9.

/** The letter of a command's short option, by which messages name it. */
export type CommandLetter = 'A' | 'C' | 'D' | 'I' | 'R' | 'L' | 'S' | 'F' | 'Z' | 'N' | 'X' | 'E' | 'P'

/** Options that are part of the rule. */
export type CoreName =
  | 'protocol'
  | 'source'
  | 'destination'
  | 'in-interface'
  | 'out-interface'
  | 'fragment'
  | 'jump'
  | 'goto'

/** Options of listings. */
export type ListName = 'numeric' | 'exact' | 'line-numbers'

/** Options that are neither of the rule nor of a listing. */
export type OtherName =
  | 'match'
  | 'set-counters'
  | 'verbose'
  | 'table'
  | 'wait'
  | 'wait-interval'
  | 'modprobe'
  | 'ipv4'
  | 'ipv6'
  | 'version'
  | 'help'

interface Named<R, N> {
  readonly role: R
  readonly name: N
  readonly short: string
  /** Arguments that follow; `optional` is one that may be left out. */
  readonly arity: 0 | 1 | 'optional'
}

export type CoreOption =
  | Named<'command', CommandLetter>
  | Named<'rule', CoreName>
  | Named<'list', ListName>
  | Named<'other', OtherName>

const command = (name: CommandLetter, arity: 1 | 'optional'): CoreOption => ({
  role: 'command',
  name,
  short: name,
  arity,
})
const rule = (name: CoreName, short: string, arity: 0 | 1 = 1): CoreOption => ({
  role: 'rule',
  name,
  short,
  arity,
})
const list = (name: ListName, short: string): CoreOption => ({ role: 'list', name, short, arity: 0 })
const other = (name: OtherName, short: string, arity: CoreOption['arity']): CoreOption => ({
  role: 'other',
  name,
  short,
  arity,
})

const source = rule('source', 's')
const destination = rule('destination', 'd')

/** By long name. */
export const coreOptions: ReadonlyMap<string, CoreOption> = new Map([
  ['append', command('A', 1)],
  ['check', command('C', 1)],
  ['delete', command('D', 1)],
  ['insert', command('I', 1)],
  ['replace', command('R', 1)],
  ['list', command('L', 'optional')],
  ['list-rules', command('S', 'optional')],
  ['flush', command('F', 'optional')],
  ['zero', command('Z', 'optional')],
  ['new-chain', command('N', 1)],
  ['delete-chain', command('X', 'optional')],
  ['rename-chain', command('E', 1)],
  ['policy', command('P', 1)],
  ['protocol', rule('protocol', 'p')],
  ['source', source],
  ['src', source],
  ['destination', destination],
  ['dst', destination],
  ['in-interface', rule('in-interface', 'i')],
  ['out-interface', rule('out-interface', 'o')],
  ['fragments', rule('fragment', 'f', 0)],
  ['jump', rule('jump', 'j')],
  ['goto', rule('goto', 'g')],
  ['numeric', list('numeric', 'n')],
  ['exact', list('exact', 'x')],
  ['line-numbers', list('line-numbers', '')],
  ['match', other('match', 'm', 1)],
  ['set-counters', other('set-counters', 'c', 1)],
  ['verbose', other('verbose', 'v', 0)],
  ['table', other('table', 't', 1)],
  ['wait', other('wait', 'w', 'optional')],
  ['wait-interval', other('wait-interval', 'W', 'optional')],
  ['modprobe', other('modprobe', 'M', 1)],
  ['ipv4', other('ipv4', '4', 0)],
  ['ipv6', other('ipv6', '6', 0)],
  ['version', other('version', 'V', 0)],
  ['help', other('help', 'h', 'optional')],
])

export const shortOptions: ReadonlyMap<string, CoreOption> = new Map(
  [...coreOptions.values()].map(option => [option.short, option]),
)

/** The letters options are known by in messages, in the order they are checked in; -g counts as -j, --line-numbers as 0. */
const LETTERS = 'nsdpjvxio0cf'
const RULE = 'sdpjviof'

/** Letters each command may stand beside. */
const LEGAL: Readonly<Record<CommandLetter, string>> = {
  A: `${RULE}c`,
  I: `${RULE}c`,
  R: `${RULE}c`,
  C: RULE,
  D: RULE,
  L: 'nvx0',
  P: 'vc',
  S: 'v',
  F: 'v',
  Z: 'v',
  N: 'v',
  X: 'v',
  E: 'v',
}

/** The first of the given options that none of the commands allows. Of a rule addressed by its number nothing more may be said. */
export function illegalOption(commands: string, byNumber: boolean, given: string): string | undefined {
  const allowed = (letter: string): boolean => isLegal(commands, byNumber, letter)
  for (let at = 0; at < given.length; at++)
    if (!allowed(given.charAt(at)))
      return [...LETTERS].find(letter => given.includes(letter) && !allowed(letter))
  return undefined
}

function isLegal(commands: string, byNumber: boolean, letter: string): boolean {
  for (let at = 0; at < commands.length; at++) {
    const command = commands.charAt(at)
    const legal = byNumber && command === 'D' ? 'v' : LEGAL[command as CommandLetter]
    if (legal.includes(letter)) return true
  }
  return false
}

/** Options that may have a "!" before them. */
export const NEGATABLE = 'sdpiof'

/** Commands in the order that decides which of two is named in a message. */
const COMMAND_ORDER = 'IDRALFZNXPESC'

/** The command among those given that cannot stand beside one more; only a listing and -Z go together. */
export const conflicting = (given: string, letter: CommandLetter): string | undefined =>
  [...COMMAND_ORDER].findLast(other => given.includes(other) && !goTogether(other, letter))

const goTogether = (a: string, b: string): boolean =>
  (a === 'Z' && (b === 'L' || b === 'S')) || (b === 'Z' && (a === 'L' || a === 'S'))
