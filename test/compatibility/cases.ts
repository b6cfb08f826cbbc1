// The option cases of iptables: which of them the parser reads and prints as they say, and which otherwise, and why.

import type { KnownDifference } from '../rules/difference.ts'
import type { CaseFile, ExtensionCase } from '../rules/extension-cases.ts'
import { caseFault } from '../rules/extension-fault.ts'
import { differentFromLegacy, differentFromUpstream } from '../rules/known-differences.ts'
import { code, paragraphs, table } from './markdown.ts'

interface CaseCount {
  readonly name: string
  /** Lines that say how a rule is printed, and lines that say it is refused. */
  readonly taken: number
  readonly refused: number
  /** One case of each line that comes out otherwise. */
  readonly otherwise: readonly ExtensionCase[]
}

/** A line is tried in several chains, and counted once. */
function count({ name, cases }: CaseFile): CaseCount {
  const lines = new Map(cases.map(one => [one.place, one]))
  const otherwise = new Map(cases.filter(caseFault).map(one => [one.place, one]))
  const refused = [...lines.values()].filter(({ printed }) => printed === undefined).length
  return { name, taken: lines.size - refused, refused, otherwise: [...otherwise.values()] }
}

const reasonFor = (one: ExtensionCase): string =>
  differentFromUpstream.find(({ file, rule }) => one.place.startsWith(`${file}:`) && rule === one.rule)
    ?.why ?? 'not known'

const sum = (counts: readonly CaseCount[], of: (one: CaseCount) => number): number =>
  counts.reduce((total, one) => total + of(one), 0)

const otherwiseRow = (one: ExtensionCase): readonly string[] => [
  code(one.place),
  code(one.rule),
  one.printed === undefined ? 'refused' : 'taken',
  reasonFor(one),
]

export function casesSection(files: readonly CaseFile[]): string {
  const counts = files.map(count)
  const otherwise = counts.flatMap(one => one.otherwise)
  const [taken, refused] = [sum(counts, one => one.taken), sum(counts, one => one.refused)]
  return paragraphs(
    '## The option cases of iptables 1.8.9',
    `${files.length} files hold ${taken} lines that are taken, with what is printed for them, and ${refused} that are refused. ` +
      `**${otherwise.length} of ${taken + refused} lines come out otherwise here:**`,
    table(['line', 'rule', 'iptables says', 'why it is otherwise here'], otherwise.map(otherwiseRow)),
    'The cases that 1.8.11 adds (ranges that are open, of one value, of all values, or end before they begin) are in `fixtures/match`.',
    table(
      ['file', 'taken', 'refused', 'otherwise'],
      counts.map(one => [code(one.name), one.taken, one.refused, one.otherwise.length]),
    ),
  )
}

const printed = (text: string | undefined): string => (text === undefined ? 'refused' : code(text))

function legacyRow({ file, rule, instead, why }: KnownDifference, cases: readonly ExtensionCase[]): string[] {
  const ours = cases.find(one => one.place.startsWith(`${file}:`) && one.rule === rule)?.printed
  return [code(rule), printed(instead), printed(ours), why]
}

/** Where our own cases say other than iptables-legacy does. */
export function legacySection(fixtures: readonly CaseFile[]): string {
  const cases = fixtures.flatMap(file => file.cases)
  return paragraphs(
    '## Where bpftables differs from iptables-legacy 1.8.9',
    `${cases.length} cases of our own (\`fixtures/\`, each tried in every chain and family it is for) are run through iptables-legacy too. ` +
      `These ${differentFromLegacy.length} rules are taken or printed otherwise on purpose:`,
    table(
      ['rule', 'iptables-legacy 1.8.9', 'bpftables', 'why'],
      differentFromLegacy.map(one => legacyRow(one, cases)),
    ),
    '`ip6tables -p all` is a rule for packets whose extension headers lead to a header: iptables-legacy keeps that apart from a rule that names no protocol, ' +
      'to `-C` and `-D` too, but prints both alike, so that a restore makes them one. To bpftables they are one from the beginning. ' +
      'Only packets whose headers lead nowhere are told apart by it: iptables-legacy drops these at such a rule.',
    "`iptables -E chain ''` is refused: iptables-legacy takes it, and prints rules that call such a chain without their target.",
  )
}
