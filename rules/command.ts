// A command line of iptables, or a line of a rule file, as data.

import { ArgumentReader } from './arguments.ts'
import { buildRules } from './build.ts'
import { type CommandDraft, usage } from './command-draft.ts'
import type { CommandLetter } from './command-option.ts'
import { readAddresses } from './core-value.ts'
import type { Counters } from './counters.ts'
import { FROM_HERE, TO_HERE } from './device-place.ts'
import { RuleError, refused } from './error.ts'
import type { TableName } from './extension.ts'
import { type Family, iptablesName } from './family.ts'
import type { Rule } from './rule.ts'
import { isTableName, tableNames } from './ruleset.ts'
import type { Span } from './span.ts'
import { type Token, tokensOf } from './token.ts'
import type { KeepUnknown } from './unknown.ts'
import { checkChainName } from './value/chain.ts'

/** A command that holds rules. */
interface WithRules {
  /** Why the kernel will not take the rule. It comes to that only where chain and number are in order. */
  readonly refused?: RuleError
}

/** -A, -C or -D with what the rule says; several when -s or -d named several addresses. */
export interface RuleCommand extends WithRules {
  readonly kind: 'append' | 'check' | 'delete'
  readonly chain: string
  readonly rules: readonly Rule[]
}

/** -I; each rule is put at `number`, so several end up in reverse. */
export interface InsertCommand extends WithRules {
  readonly kind: 'insert'
  readonly chain: string
  /** Counted from 1. */
  readonly number: number
  readonly rules: readonly Rule[]
}

export interface ReplaceCommand extends WithRules {
  readonly kind: 'replace'
  readonly chain: string
  readonly number: number
  readonly rule: Rule
}

export interface DeleteNumberCommand {
  readonly kind: 'delete-number'
  readonly chain: string
  readonly number: number
}

/** -F, -X or -Z: of one chain, or of all. */
export interface ChainsCommand {
  readonly kind: 'flush' | 'delete-chain' | 'zero'
  readonly chain?: string
}

export interface ZeroRuleCommand {
  readonly kind: 'zero-rule'
  readonly chain: string
  readonly number: number
}

export interface NewChainCommand {
  readonly kind: 'new-chain'
  readonly chain: string
}

export interface RenameChainCommand {
  readonly kind: 'rename-chain'
  readonly chain: string
  readonly to: string
}

export interface PolicyCommand {
  readonly kind: 'policy'
  readonly chain: string
  /** As given; only ACCEPT and DROP can be set. */
  readonly policy: string
  readonly counters?: Counters
}

/** -L and -S, and what they show. */
export interface ListCommand {
  readonly kind: 'list' | 'list-rules'
  readonly chain?: string
  readonly number?: number
  readonly numeric: boolean
  readonly exact: boolean
  readonly lineNumbers: boolean
  /** -Z was given too: of the chain (or all), or of the one rule. */
  readonly zero?: 'chain' | 'rule'
}

export type InformationCommand = { readonly kind: 'version' } | { readonly kind: 'help' }

export type Edit =
  | RuleCommand
  | InsertCommand
  | ReplaceCommand
  | DeleteNumberCommand
  | ChainsCommand
  | ZeroRuleCommand
  | NewChainCommand
  | RenameChainCommand
  | PolicyCommand
  | ListCommand

export type Command = (Edit | InformationCommand) & {
  readonly family: Family
  readonly table: TableName
  /** How many -v were given. */
  readonly verbose: number
  /** Seconds -w waits for the lock; Infinity when it names none. */
  readonly wait?: number
  readonly span: Span
}

/** Reads the words of an iptables (or, for family 6, ip6tables) command line, without the command's own name. Throws RuleError. */
export function parseCommand(words: readonly string[], family: Family): Command {
  const tokens = tokensOf(words)
  const source = tokens[0]?.source ?? { name: 'arguments', text: '' }
  return readCommand(tokens, family, { source, start: 0, end: source.text.length })
}

/** The same for words that were written somewhere. */
export function readCommand(tokens: readonly Token[], family: Family, span: Span): Command {
  const reader = new ArgumentReader(tokens, family, span)
  reader.read()
  const { otherFamily, verbose, wait, table } = reader.command
  if (otherFamily)
    throw new RuleError('ERR_OPTION', `-${family === 4 ? 6 : 4} is for the other family`, {
      span,
      refusal: { status: 2, text: '', bare: true },
    })
  const edit = editOf(reader, table ?? 'filter')
  const common = { family, table: tableNamed(table ?? 'filter', family, span), verbose, span }
  return { ...edit, ...common, ...(wait !== undefined && { wait }) }
}

export interface FileContext {
  readonly family: Family
  readonly table: TableName
  readonly span: Span
  /** Those before the rule. */
  readonly counters?: Counters | undefined
  /** They are a -c, and stand only where one may. */
  readonly strictCounters?: boolean
  /** Left out: an unknown extension is an error. */
  readonly keepUnknown?: KeepUnknown | undefined
}

/** Reads a line of a rule file; undefined where -4 or -6 says that it is for the other family. */
export function parseLine(
  tokens: readonly Token[],
  context: FileContext,
): Edit | InformationCommand | undefined {
  const reader = new ArgumentReader(tokens, context.family, context.span, context.keepUnknown)
  if (context.counters) reader.setCounters(context.counters, context.strictCounters === true)
  reader.read()
  if (reader.command.otherFamily && !isWhole(reader.command)) return undefined
  checkInFile(reader.command, context.span)
  return editOf(reader, context.table)
}

/** Of a line for the other family iptables-restore still does what it says before that, where that takes no rule. */
const isWhole = ({ letters, byNumber }: CommandDraft): boolean =>
  letters !== '' && (byNumber || !'ACDIR'.includes(letters))

function checkInFile({ table, wait, waitInterval }: CommandDraft, span: Span): void {
  if (table !== undefined) throw usage('The -t option cannot be used in iptables-restore.\n', span)
  if (wait !== undefined || waitInterval)
    throw usage(`You cannot use \`-${wait === undefined ? 'W' : 'w'}' from iptables-restore`, span)
}

function tableNamed(name: string, family: Family, span: Span): TableName {
  if (isTableName(name)) return name
  throw refused(
    'ERR_TABLE',
    {
      status: 3,
      text: `can't initialize ${iptablesName(family)} table \`${name}': Table does not exist (do you need to insmod?)`,
    },
    { span, hint: `tables are ${tableNames.join(', ')}` },
  )
}

/** The checks of iptables that need all arguments, in its order. */
function checkWhole({ command, rule }: ArgumentReader, table: string): void {
  const { span } = rule
  if (table === 'nat' && (command.word === 'DROP' || (rule.core.goto ?? rule.core.jump)?.text === 'DROP'))
    throw usage(
      '\nThe "nat" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n',
      span,
    )
  if (command.wait === undefined && command.waitInterval)
    throw usage('--wait-interval only makes sense with --wait\n', span)
  if (command.letters.length === 0)
    throw new RuleError('ERR_SYNTAX', 'no command specified', {
      span,
      hint: 'a rule begins with -A and a chain',
      refusal: { status: 2, text: 'no command specified' },
    })
}

/** The checks that come after addresses are read. */
function checkPlaces({ command, rule }: ArgumentReader): void {
  command.check(rule.span)
  if (command.chain) checkChainName(command.chain.text, command.chain)
  if (!'ACDIR'.includes(command.letters)) return
  const chain = command.chain?.text ?? ''
  const { 'in-interface': input, 'out-interface': output } = rule.core
  if (output && TO_HERE.has(chain)) throw usage(`Can't use -o with ${chain}\n`, output.span)
  if (input && FROM_HERE.has(chain)) throw usage(`Can't use -i with ${chain}\n`, input.span)
}

function editOf(reader: ArgumentReader, tableName: string): Edit | InformationCommand {
  const { command, rule } = reader
  if (command.information) return { kind: command.information }
  checkWhole(reader, tableName)
  const chain = command.chain?.text ?? ''
  const number = command.number ?? 1
  const table = isTableName(tableName) ? tableName : 'filter'
  const addresses = readAddresses(rule)
  const letter = mainLetter(command)
  if (letter === 'R' && addresses.sources.length * addresses.destinations.length !== 1)
    throw usage('Replacement rule does not specify a unique address', rule.span)
  checkPlaces(reader)
  const rules = (): { rules: readonly Rule[]; refused?: RuleError } => {
    let first: RuleError | undefined
    const built = buildRules(rule, { family: rule.family, table, chain }, addresses, error => {
      first ??= error
    })
    return first ? { rules: built, refused: first } : { rules: built }
  }
  switch (letter) {
    case 'A':
      return { kind: 'append', chain, ...rules() }
    case 'C':
      return { kind: 'check', chain, ...rules() }
    case 'D':
      if (command.byNumber) return { kind: 'delete-number', chain, number }
      return { kind: 'delete', chain, ...rules() }
    case 'I':
      return { kind: 'insert', chain, number, ...rules() }
    case 'R': {
      const {
        rules: [only = NOTHING],
        refused: why,
      } = rules()
      return { kind: 'replace', chain, number, rule: only, ...(why && { refused: why }) }
    }
    case 'F':
      return { kind: 'flush', ...named(command) }
    case 'X':
      return { kind: 'delete-chain', ...named(command) }
    case 'Z':
      return command.byNumber ? { kind: 'zero-rule', chain, number } : { kind: 'zero', ...named(command) }
    case 'N':
      return { kind: 'new-chain', chain }
    case 'E':
      return { kind: 'rename-chain', chain, to: command.word }
    case 'P': {
      const { counters } = rule
      return { kind: 'policy', chain, policy: command.word, ...(counters && { counters }) }
    }
    default:
      return listOf(command, letter === 'L' ? 'list' : 'list-rules')
  }
}

/** Of -L -Z it is -L; but a -Z with a number forgets a listing given before it. */
function mainLetter({ letters, byNumber }: CommandDraft): CommandLetter {
  if (byNumber && letters.endsWith('Z')) return 'Z'
  return (letters.startsWith('Z') ? letters.charAt(1) || 'Z' : letters.charAt(0)) as CommandLetter
}

const named = ({ chain }: CommandDraft): { chain?: string } => (chain ? { chain: chain.text } : {})

function listOf(command: CommandDraft, kind: ListCommand['kind']): ListCommand {
  const { given, number, letters, byNumber } = command
  const zero = byNumber ? ('rule' as const) : ('chain' as const)
  return {
    kind,
    ...named(command),
    ...(number !== undefined && { number }),
    numeric: given.includes('n'),
    exact: given.includes('x'),
    lineNumbers: given.includes('0'),
    ...(letters.includes('Z') && { zero }),
  }
}

/** Stands where the kernel takes no rule. */
const NOTHING: Rule = { matches: [] }

export const NO_SUCH_RULE = {
  status: 1,
  text: 'Bad rule (does a matching rule exist in that chain?)',
} as const

/** What iptables says of -C or -D where no rule of the chain is the same. */
export const noSuchRule = (span: Span): RuleError => refused('ERR_RULE', NO_SUCH_RULE, { span })
