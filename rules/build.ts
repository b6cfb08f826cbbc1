// From what a rule's arguments gave, as text, to a rule with typed values, with every check that needs the rule as a whole.

import { readAddresses } from './core-value.ts'
import type { CoreUse, Draft, ExtensionUse, RawUse, RuleContext } from './draft.ts'
import { type Refusal, RuleError } from './error.ts'
import type { BuildContext, Placement } from './extension.ts'
import { iptablesName } from './family.ts'
import type { OptionUse } from './option.ts'
import type {
  AnyMatchExtension,
  AnyTargetExtension,
  ExtensionMatch,
  ExtensionTarget,
  Match,
  Target,
} from './registry.ts'
import type { Rule } from './rule.ts'
import { baseChains } from './ruleset.ts'
import type { Span } from './span.ts'
import type { UnknownMatch, UnknownTarget } from './unknown.ts'
import { printProtocol } from './value/protocol.ts'

/** Is told why the kernel will not take a rule that reads well otherwise. */
export type Refuse = (error: RuleError) => void

const throwIt: Refuse = error => {
  throw error
}

/** A rule for each pair of source and destination address. Throws RuleError. */
export function buildRules(
  draft: Draft,
  context: RuleContext,
  addresses = readAddresses(draft),
  refuse = throwIt,
): Rule[] {
  const { protocol, inInterface, outInterface } = draft
  const { fragment } = draft.core
  const matches: Match[] = []
  const build = ruleContext(context, protocol)
  for (const use of draft.matches) matches.push(buildMatch(use, build, refuse))
  const parts: RuleParts = {
    protocol,
    inInterface,
    outInterface,
    fragment: fragment && { value: true, negated: fragment.negated, span: fragment.span },
    target: readTarget(draft, matches, build, refuse),
    // an array that was pushed to has room for more
    matches: matches.slice(),
    counters: draft.counters,
    span: draft.span,
  }
  const { sources, destinations } = addresses
  if (sources.length === 1 && destinations.length === 1) return [assemble(sources[0], destinations[0], parts)]
  return sources.flatMap(source => destinations.map(destination => assemble(source, destination, parts)))
}

/** What extensions are told of the rule, and what says whether they may stand there. */
interface PlacedContext extends BuildContext, RuleContext {}

function ruleContext({ family, table, chain }: RuleContext, protocol: Rule['protocol']): PlacedContext {
  if (!protocol) return { family, table, chain, uses: [] }
  const { value, negated } = protocol
  return negated
    ? { family, table, chain, uses: [], negatedProtocol: value }
    : { family, table, chain, uses: [], protocol: value }
}

export type RuleParts = {
  readonly [K in Exclude<keyof Rule, 'source' | 'destination' | 'remarks'>]-?: Rule[K] | undefined
} & {
  readonly matches: Rule['matches']
}

/** Sets fields one by one, always in the same order: rule sets hold a hundred thousand rules, and spreading costs ten times as much. */
export function assemble(source: Rule['source'], destination: Rule['destination'], parts: RuleParts): Rule {
  const { matches, protocol, target, span } = parts
  const isPlain = !(parts.inInterface || parts.outInterface || parts.fragment || parts.counters)
  if (isPlain && target && span) return assemblePlain(matches, source, destination, protocol, target, span)
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

/** All fields at once, which leaves no room in the object. */
function assemblePlain(
  matches: Rule['matches'],
  source: Rule['source'],
  destination: Rule['destination'],
  protocol: Rule['protocol'],
  target: Target,
  span: Span,
): Rule {
  if (!protocol) {
    if (source)
      return destination ? { matches, source, destination, target, span } : { matches, source, target, span }
    return destination ? { matches, destination, target, span } : { matches, target, span }
  }
  if (!source)
    return destination
      ? { matches, destination, protocol, target, span }
      : { matches, protocol, target, span }
  return destination
    ? { matches, source, destination, protocol, target, span }
    : { matches, source, protocol, target, span }
}

/** Runs a reader of values, giving its errors the place of the option. */
export function at<T>(use: { readonly span: CoreUse['span'] }, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof RuleError ? error.at(use.span) : error
  }
}

function readTarget(
  draft: Draft,
  matches: readonly Match[],
  context: PlacedContext,
  refuse: Refuse,
): Target | undefined {
  const { jump, goto } = draft.core
  if (draft.target) return buildTarget(draft.target, matches, context, refuse)
  if (jump) return { kind: 'jump', chain: jump.text, span: jump.span }
  if (goto) return { kind: 'goto', chain: goto.text, span: goto.span }
  return undefined
}

function buildMatch(
  use: ExtensionUse<AnyMatchExtension> | UnknownMatch,
  context: PlacedContext,
  refuse: Refuse,
): Match {
  if ('kind' in use) return use
  const { extension, span } = use
  const match = buildExtension<ExtensionMatch>(use, context, 'match', refuse)
  const placement = extension.placementOf?.(match)
  if (placement) checkPlacement(placement, { name: extension.name, what: 'match', span }, context, refuse)
  return match
}

function buildTarget(
  use: ExtensionUse<AnyTargetExtension> | UnknownTarget,
  matches: readonly Match[],
  context: PlacedContext,
  refuse: Refuse,
): Target {
  if ('kind' in use) return use
  const { extension, span } = use
  const target = buildExtension<ExtensionTarget>(use, context, 'target', refuse)
  at(use, () => extension.checkMatches?.(matches))
  const placement = extension.placementOf?.(target)
  if (placement) checkPlacement(placement, { name: extension.name, what: 'target', span }, context, refuse)
  return target
}

function buildExtension<V>(
  use: ExtensionUse<AnyMatchExtension | AnyTargetExtension>,
  context: PlacedContext,
  what: 'match' | 'target',
  refuse: Refuse,
): V {
  const { extension, span } = use
  checkPlacement(extension, { name: extension.name, what, span }, context, refuse)
  if (use.uses.length === 0 && !demands(extension)) return place(extension.build({}, context), span)
  const uses = use.uses.map(raw => readUse(raw, context))
  checkOptions(use)
  const given: Record<string, OptionUse> = {}
  for (const one of uses) given[one.name] = one
  return place(
    at(use, () => extension.build(given, { ...context, uses })),
    span,
  )
}

/** A value just built, with its place. It is written to rather than copied: there are as many as rules. */
function place<V>(value: object & { span?: Span }, span: Span): V {
  value.span = span
  return value as V
}

const readUse = (raw: RawUse, context: BuildContext): OptionUse => ({
  name: raw.name,
  negated: raw.negated,
  span: raw.span,
  value: at(raw, () => raw.spec.parse(raw.words, context)),
})

const requiredOptions = new WeakMap<object, readonly string[]>()

function requiredOf(extension: AnyMatchExtension | AnyTargetExtension): readonly string[] {
  let names = requiredOptions.get(extension)
  if (!names) {
    names = Object.keys(extension.options).filter(name => extension.options[name]?.required)
    requiredOptions.set(extension, names)
  }
  return names
}

/** It cannot stand without options. */
const demands = (extension: AnyMatchExtension | AnyTargetExtension): boolean =>
  extension.requiresOneOf !== undefined || requiredOf(extension).length > 0

function checkOptions({ extension, uses, span }: ExtensionUse<AnyMatchExtension | AnyTargetExtension>): void {
  const has = (name: string): boolean => uses.some(use => use.name === name)
  const missing = requiredOf(extension).find(name => !has(name))
  if (missing !== undefined)
    throw new RuleError('ERR_OPTION', `${extension.name} needs --${missing}`, { span })
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

interface Placed {
  readonly name: string
  readonly what: 'match' | 'target'
  readonly span: Span
}

function checkPlacement(
  placement: Placement,
  { name, what, span }: Placed,
  context: PlacedContext,
  refuse: Refuse,
): void {
  const fault = (why: string, refusal: Refusal = INVALID): RuleError =>
    new RuleError('ERR_EXTENSION', `the ${what} ${name} ${why}`, { span, refusal })
  const { families, tables, chains, protocols } = placement
  if (families && !families.includes(context.family))
    throw fault(`is not there in ${iptablesName(context.family)}`, {
      status: 2,
      text: `Couldn't load ${what} \`${name}':No such file or directory\n`,
    })
  if (tables && !tables.includes(context.table))
    refuse(fault(`stands only in the table ${tables.join(', ')}`))
  const base = baseChains[context.table].includes(context.chain)
  if (chains && base && !chains.includes(context.chain)) refuse(fault(`cannot be used in ${context.chain}`))
  if (
    !protocols ||
    (context.protocol !== undefined && (protocols === 'any' || protocols.includes(context.protocol)))
  )
    return
  refuse(
    fault(`needs -p ${protocols === 'any' ? 'and a protocol' : protocols.map(printProtocol).join(' or ')}`),
  )
}
