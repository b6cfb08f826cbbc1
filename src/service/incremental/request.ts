// A command as rules put into chains and taken out of them, one after the other.

import {
  type Command,
  type Family,
  isBaseChain,
  printAppend,
  printRule,
  type Rule,
  restoreSave,
} from 'iptables-parser'
import type { Lines } from './lines.ts'

/** A rule to be put in at a number, or taken out. */
export interface Request {
  readonly kind: 'insert' | 'delete'
  readonly number: number
  readonly rule: Rule
  readonly text: string
}

/** What an edit asks of the rules as they are; the next is asked once this one has been carried out. */
export type Step = (lines: Lines) => Request | undefined

export type ChainCommand = Extract<Command, { readonly chain: string }>

/** The steps of a command; undefined where it is none that puts single rules in or takes them out. */
export function stepsOf(command: Command): readonly Step[] | undefined {
  switch (command.kind) {
    case 'append':
      return command.rules.map(rule => lines => insert(command, lines, lines.count + 1, rule))
    case 'insert':
      return command.rules.map(rule => lines => insert(command, lines, command.number, rule))
    case 'delete':
      return command.rules.map(rule => lines => deleteSame(command, lines, rule))
    case 'delete-number':
      return [lines => deleteAt(command, lines, command.number)]
    case 'replace':
      return [
        lines => deleteAt(command, lines, command.number),
        lines => insert(command, lines, command.number, command.rule),
      ]
    default:
      return undefined
  }
}

function insert(command: ChainCommand, lines: Lines, number: number, rule: Rule): Request | undefined {
  const text = printRule(rule, command.family)
  if (number > lines.count + 1 || !isKnown(rule) || !isOneLine(text)) return undefined
  // the same rule again behind it would become the second of them, and its history another's
  const [same] = lines.find(text, 1)
  if (same !== undefined && same >= number) return undefined
  return { kind: 'insert', number, rule, text }
}

function deleteSame(command: ChainCommand, lines: Lines, rule: Rule): Request | undefined {
  const text = printRule(rule, command.family)
  const [number, other] = lines.find(text, 2)
  if (number === undefined || other !== undefined || !isKnown(rule) || !isOneLine(text)) return undefined
  return { kind: 'delete', number, rule, text }
}

function deleteAt(command: ChainCommand, lines: Lines, number: number): Request | undefined {
  if (number > lines.count) return undefined
  const text = lines.textOf(number)
  const rule = lines.find(text, 2).length === 1 ? parseLine(command, text) : undefined
  return rule && { kind: 'delete', number, rule, text }
}

const verdicts: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'RETURN'])

/** The rule leads to no chain, and is what its text says. */
export const isPlain = (rule: Rule): boolean => isKnown(rule) && calledBy(rule) === undefined

/** What a rule of ours comes to. A pattern for every device is left out of its text. */
const isKnown = (rule: Rule): boolean =>
  (!rule.target || verdicts.has(rule.target.kind) || calledBy(rule) !== undefined) &&
  rule.inInterface?.value.name !== '' &&
  rule.outInterface?.value.name !== ''

/** The chain that a rule leads to. */
export const calledBy = ({ target }: Pick<Rule, 'target'>): string | undefined =>
  target?.kind === 'jump' || target?.kind === 'goto' ? target.chain : undefined

/** The same of a rule's text, where the name of a chain stands last. */
export const calledIn = (text: string): string | undefined => / -[jg] (\S+)$/.exec(text)?.[1]

const isOneLine = (text: string): boolean => !text.includes('\n')

/** What stands before the text of a rule in a line. */
export const linePrefix = (chain: string, family: Family): string =>
  printAppend(chain, { matches: [] }, family)

/** A rule read back from its text; undefined where that takes more than its line and the chain it leads to. */
function parseLine(command: ChainCommand, text: string): Rule | undefined {
  const called = calledIn(text)
  return (
    parseAmong(command, text, []) ?? (called === undefined ? undefined : parseAmong(command, text, [called]))
  )
}

function parseAmong(
  { chain, table: name, family }: ChainCommand,
  text: string,
  others: readonly string[],
): Rule | undefined {
  const user = [...new Set([chain, ...others])].filter(one => !isBaseChain(name, one))
  const declared = user.map(one => `:${one} - [0:0]\n`).join('')
  try {
    const table = `*${name}\n${declared}${linePrefix(chain, family)}${text}\nCOMMIT\n`
    const { tables } = restoreSave({ family, tables: [] }, table)
    return tables[0]?.chains.find(one => one.name === chain)?.rules[0]
  } catch {
    return undefined
  }
}
