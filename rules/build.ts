// From what a rule's arguments gave, as text, to a rule with typed values, with every check that needs the rule as a whole.

import type { CoreUse, Draft, ExtensionUse, RawUse, RuleContext } from './arguments.ts'
import { type Refusal, RuleError, refused } from './error.ts'
import type { BuildContext, Placement } from './extension.ts'
import { type Family, iptablesName } from './family.ts'
import type { OptionUse } from './option.ts'
import type { AnyMatchExtension, AnyTargetExtension, Match, Target } from './registry.ts'
import type { Rule } from './rule.ts'
import { baseChains } from './ruleset.ts'
import type { Term } from './term.ts'
import { type AddressMask, parseAddressMask, parseMask } from './value/address.ts'
import { parseInterface } from './value/interface.ts'
import { parseProtocol, printProtocol } from './value/protocol.ts'

/** A rule for each pair of source and destination address. */
export function buildRules(draft: Draft, context: RuleContext): Rule[] {
  const { core } = draft
  const protocol = readProtocol(core.protocol)
  const build: BuildContext = {
    ...context,
    protocolNegated: protocol?.negated === true,
    uses: [],
    ...(protocol && !protocol.negated && { protocol: protocol.value }),
  }
  const { fragment } = core
  const parts: RuleParts = {
    protocol,
    inInterface: readInterface(core['in-interface'], context, 'i', ['OUTPUT', 'POSTROUTING']),
    outInterface: readInterface(core['out-interface'], context, 'o', ['INPUT', 'PREROUTING']),
    fragment: fragment && { value: true, negated: fragment.negated, span: fragment.span },
    target: readTarget(draft, build),
    matches: draft.matches.map(use => buildMatch(use, build)),
    counters: draft.counters,
    span: draft.span,
  }
  const sources = readAddresses(core.source, context)
  const destinations = readAddresses(core.destination, context)
  const negated = core.source?.negated === true || core.destination?.negated === true
  if (negated && (sources.length > 1 || destinations.length > 1))
    throw refused(
      'ERR_OPTION',
      { status: 2, text: '! not allowed with multiple source or destination IP addresses' },
      { span: (core.source?.negated ? core.source : core.destination)?.span ?? draft.span },
    )
  return sources.flatMap(source => destinations.map(destination => assemble(source, destination, parts)))
}

type RuleParts = {
  readonly [K in Exclude<keyof Rule, 'source' | 'destination' | 'remarks'>]-?: Rule[K] | undefined
} & {
  readonly matches: Rule['matches']
}

/** Sets fields one by one, always in the same order: rule sets hold a hundred thousand rules, and spreading costs ten times as much. */
function assemble(source: Rule['source'], destination: Rule['destination'], parts: RuleParts): Rule {
  const rule: { -readonly [K in keyof Rule]: Rule[K] } = { matches: parts.matches }
  if (source) rule.source = source
  if (destination) rule.destination = destination
  if (parts.protocol) rule.protocol = parts.protocol
  if (parts.inInterface) rule.inInterface = parts.inInterface
  if (parts.outInterface) rule.outInterface = parts.outInterface
  if (parts.fragment) rule.fragment = parts.fragment
  if (parts.target) rule.target = parts.target
  if (parts.counters) rule.counters = parts.counters
  if (parts.span) rule.span = parts.span
  return rule
}

/** Runs a reader of values, giving its errors the place of the option. */
export function at<T>(use: { readonly span: CoreUse['span'] }, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof RuleError ? error.at(use.span) : error
  }
}

const placed = <T>(use: CoreUse, value: T): Term<T> => ({ value, negated: use.negated, span: use.span })

function readProtocol(use: CoreUse | undefined): Term<number> | undefined {
  if (!use) return undefined
  const value = said(use, `unknown protocol "${use.text.toLowerCase()}" specified`, () =>
    parseProtocol(use.text),
  )
  if (value !== 0) return placed(use, value)
  if (use.negated)
    throw refused('ERR_VALUE', { status: 2, text: 'rule would never match protocol' }, { span: use.span })
  return undefined
}

function readInterface(
  use: CoreUse | undefined,
  context: RuleContext,
  letter: 'i' | 'o',
  without: readonly string[],
): Rule['inInterface'] | undefined {
  if (!use) return undefined
  if (without.includes(context.chain))
    throw refused(
      'ERR_OPTION',
      { status: 2, text: `Can't use -${letter} with ${context.chain}\n` },
      { span: use.span },
    )
  if (use.text === '')
    throw refused(
      'ERR_VALUE',
      { status: 2, text: 'Empty interface is likely to be undesired' },
      { span: use.span },
    )
  const tooLong = `interface name \`${use.text}' must be shorter than IFNAMSIZ (15)`
  return placed(
    use,
    said(use, tooLong, () => parseInterface(use.text)),
  )
}

/** One entry for each address of a list; an entry of undefined asks nothing. */
function readAddresses(use: CoreUse | undefined, { family }: RuleContext): (Term<AddressMask> | undefined)[] {
  if (!use) return [undefined]
  if (!use.text.includes(',')) return [readAddress(use, use.text, family)]
  return use.text.split(',').map(word => readAddress(use, word.trimStart(), family))
}

function readAddress(use: CoreUse, text: string, family: Family): Term<AddressMask> | undefined {
  const slash = text.indexOf('/')
  const value = said(
    use,
    () => addressRefusal(text, slash, family),
    () => parseAddressMask(text, family),
  )
  // the address counts too: iptables-save leaves out only 0.0.0.0/0
  return value.mask === 0n && !use.negated ? undefined : placed(use, value)
}

function addressRefusal(text: string, slash: number, family: Family): string {
  const mask = slash < 0 ? undefined : text.slice(slash + 1)
  if (mask !== undefined && !isMask(mask, family)) return `invalid mask \`${mask}' specified`
  return `host/network \`${slash < 0 ? text : text.slice(0, slash)}' not found`
}

function isMask(text: string, family: Family): boolean {
  try {
    parseMask(text, family)
    return true
  } catch {
    return false
  }
}

/** As `at`, and with iptables' own words for what is wrong. */
function said<T>(use: CoreUse, words: string | (() => string), read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RuleError)) throw error
    const text = typeof words === 'string' ? words : words()
    throw new RuleError(error.code, error.message, {
      span: use.span,
      refusal: { status: 2, text },
      ...(error.hint && { hint: error.hint }),
    })
  }
}

function readTarget(draft: Draft, context: BuildContext): Target | undefined {
  const { jump, goto } = draft.core
  if (draft.target) return buildExtension<Target>(draft.target, context, 'target')
  if (jump) return { kind: 'jump', chain: jump.text, span: jump.span }
  if (goto) return { kind: 'goto', chain: goto.text, span: goto.span }
  return undefined
}

function buildMatch(use: ExtensionUse<AnyMatchExtension>, context: BuildContext): Match {
  const { extension, span } = use
  const match = buildExtension<Match>(use, context, 'match')
  const placement = extension.placementOf?.(match)
  if (placement) checkPlacement(placement, extension.name, context, span, 'match')
  return match
}

function buildExtension<V>(
  use: ExtensionUse<AnyMatchExtension | AnyTargetExtension>,
  context: BuildContext,
  what: 'match' | 'target',
): V {
  const { extension, span } = use
  checkPlacement(extension, extension.name, context, span, what)
  const uses = use.uses.map(raw => readUse(raw, context))
  checkOptions(use)
  const given: Record<string, OptionUse> = {}
  for (const one of uses) given[one.name] = one
  const value = at(use, () => extension.build(given, { ...context, uses }))
  return { ...value, span } as V
}

const readUse = (raw: RawUse, context: BuildContext): OptionUse => ({
  name: raw.name,
  negated: raw.negated,
  span: raw.span,
  value: at(raw, () => raw.spec.parse(raw.words, context)),
})

function checkOptions({ extension, uses, span }: ExtensionUse<AnyMatchExtension | AnyTargetExtension>): void {
  const has = (name: string): boolean => uses.some(use => use.name === name)
  for (const [name, spec] of Object.entries(extension.options)) {
    if (spec.required && !has(name))
      throw new RuleError('ERR_OPTION', `${extension.name} needs --${name}`, { span })
  }
  for (const use of uses) {
    const other = use.spec.excludes?.find(has)
    if (other !== undefined)
      throw new RuleError('ERR_OPTION', `--${use.name} does not go with --${other}`, { span: use.span })
  }
  const wanted = extension.requiresOneOf
  if (wanted && !wanted.some(has))
    throw new RuleError('ERR_OPTION', `${extension.name} needs one of --${wanted.join(', --')}`, { span })
}

/** What iptables makes of the kernel's EINVAL. */
const INVALID: Refusal = { status: 1, text: "Invalid argument. Run `dmesg' for more information" }

function checkPlacement(
  placement: Placement,
  name: string,
  context: BuildContext,
  span: CoreUse['span'],
  what: string,
): void {
  const refuse = (why: string, refusal: Refusal = INVALID): never => {
    throw new RuleError('ERR_EXTENSION', `the ${what} ${name} ${why}`, { span, refusal })
  }
  if (placement.families && !placement.families.includes(context.family))
    refuse(`is not there in ${iptablesName(context.family)}`, {
      status: 2,
      text: `Couldn't load ${what} \`${name}':No such file or directory\n`,
    })
  if (placement.tables && !placement.tables.includes(context.table))
    refuse(`stands only in the table ${placement.tables.join(', ')}`)
  const base = baseChains[context.table].includes(context.chain)
  if (placement.chains && base && !placement.chains.includes(context.chain))
    refuse(`cannot be used in ${context.chain}`)
  const wanted = placement.protocols
  if (wanted && (context.protocol === undefined || !wanted.includes(context.protocol)))
    refuse(`needs -p ${wanted.map(printProtocol).join(' or ')}`)
}
