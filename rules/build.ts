// From what a rule's arguments gave, as text, to a rule with typed values, with every check that needs the rule as a whole.

import type { CoreUse, Draft, ExtensionUse, RawUse } from './arguments.ts'
import { defined } from './defined.ts'
import { RuleError } from './error.ts'
import type { BuildContext, Placement } from './extension.ts'
import { iptablesName } from './family.ts'
import type { OptionUse } from './option.ts'
import type { AnyMatchExtension, AnyTargetExtension, Match, Target } from './registry.ts'
import type { Rule } from './rule.ts'
import { baseChains } from './ruleset.ts'
import type { Term } from './term.ts'
import { type AddressMask, parseAddressMask } from './value/address.ts'
import { parseInterface } from './value/interface.ts'
import { parseProtocol, printProtocol } from './value/protocol.ts'

/** A rule for each pair of source and destination address. */
export function buildRules(draft: Draft): Rule[] {
  const { core, context } = draft
  const protocol = readProtocol(core.get('protocol'))
  const fragment = core.get('fragment')
  if (fragment && context.family === 6)
    throw new RuleError('ERR_OPTION', 'IPv6 rules have no -f', { span: fragment.span, hint: 'use -m frag' })
  const build: BuildContext = {
    ...context,
    protocolNegated: protocol?.negated === true,
    uses: [],
    ...(protocol && !protocol.negated && { protocol: protocol.value }),
  }
  const rest = defined({
    protocol,
    inInterface: readInterface(core.get('in-interface'), draft, ['OUTPUT', 'POSTROUTING']),
    outInterface: readInterface(core.get('out-interface'), draft, ['INPUT', 'PREROUTING']),
    fragment: fragment && { value: true as const, negated: fragment.negated, span: fragment.span },
    target: readTarget(draft, build),
    counters: draft.counters,
  })
  const matches = draft.matches.map(use => buildExtension<Match>(use, build, 'match'))
  const sources = readAddresses(core.get('source'), draft)
  const destinations = readAddresses(core.get('destination'), draft)
  return sources.flatMap(source =>
    destinations.map(destination => ({
      ...defined({ source, destination }),
      ...rest,
      matches,
      span: draft.span,
    })),
  )
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
  const value = at(use, () => parseProtocol(use.text))
  if (value !== 0) return placed(use, value)
  if (use.negated)
    throw new RuleError('ERR_VALUE', 'the rule would never match: "! -p all"', { span: use.span })
  return undefined
}

function readInterface(
  use: CoreUse | undefined,
  { context }: Draft,
  without: readonly string[],
): Rule['inInterface'] | undefined {
  if (!use) return undefined
  if (without.includes(context.chain))
    throw new RuleError('ERR_OPTION', `${context.chain} has no such interface`, { span: use.span })
  return placed(
    use,
    at(use, () => parseInterface(use.text)),
  )
}

/** One entry for each address of a list; an entry of undefined asks nothing. */
function readAddresses(
  use: CoreUse | undefined,
  { context: { family } }: Draft,
): (Term<AddressMask> | undefined)[] {
  if (!use) return [undefined]
  const words = use.text.split(',')
  if (words.length > 1 && use.negated)
    throw new RuleError('ERR_OPTION', '"!" does not go with several addresses', { span: use.span })
  return words.map(word => {
    const value = at(use, () => parseAddressMask(word.trim(), family))
    return value.mask === 0n && !use.negated ? undefined : placed(use, value)
  })
}

function readTarget(draft: Draft, context: BuildContext): Target | undefined {
  const jump = draft.core.get('jump')
  const goto = draft.core.get('goto')
  if (draft.target) return buildExtension<Target>(draft.target, context, 'target')
  if (jump) return { kind: 'jump', chain: jump.text, span: jump.span }
  if (goto) return { kind: 'goto', chain: goto.text, span: goto.span }
  return undefined
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
  const given = Object.fromEntries(uses.map(one => [one.name, one]))
  const value = at({ span }, () => extension.build(given, { ...context, uses }))
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

function checkPlacement(
  placement: Placement,
  name: string,
  context: BuildContext,
  span: CoreUse['span'],
  what: string,
): void {
  const refuse = (why: string): never => {
    throw new RuleError('ERR_EXTENSION', `the ${what} ${name} ${why}`, { span })
  }
  if (placement.families && !placement.families.includes(context.family))
    refuse(`is not there in ${iptablesName(context.family)}`)
  if (placement.tables && !placement.tables.includes(context.table))
    refuse(`stands only in the table ${placement.tables.join(', ')}`)
  const base = baseChains[context.table].includes(context.chain)
  if (placement.chains && base && !placement.chains.includes(context.chain))
    refuse(`cannot be used in ${context.chain}`)
  const wanted = placement.protocols
  if (wanted && (context.protocol === undefined || !wanted.includes(context.protocol)))
    refuse(`needs -p ${wanted.map(printProtocol).join(' or ')}`)
}
