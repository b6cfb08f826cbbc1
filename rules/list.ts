// iptables -L: chains and rules as a table for people. Host names are not looked up; names of protocols and services are.

import { calledBy } from './chain-target.ts'
import type { ListCommand } from './command.ts'
import { type Counters, noCounters } from './counters.ts'
import type { ListContext } from './extension.ts'
import type { Family } from './family.ts'
import { type Match, matchExtension, type Target, targetExtension } from './registry.ts'
import type { Rule } from './rule.ts'
import type { Chain, Table } from './ruleset.ts'
import type { Term } from './term.ts'
import { type AddressMask, fullMask, printAddress, printAddressMask } from './value/address.ts'
import { type InterfacePattern, printInterface } from './value/interface.ts'
import { printProtocol } from './value/protocol.ts'

export interface ListOptions {
  readonly family: Family
  /** -n */
  readonly numeric?: boolean
  /** -v: counters and interfaces. */
  readonly verbose?: boolean
  /** -x: counters in full. */
  readonly exact?: boolean
  readonly lineNumbers?: boolean
}

/** What -L prints of a table, or of one chain or rule of it. */
export function listTable(
  table: Table,
  options: ListOptions,
  { chain, number }: Pick<ListCommand, 'chain' | 'number'> = {},
): string {
  const references = number === undefined ? countReferences(table) : undefined
  return table.chains
    .filter(one => chain === undefined || one.name === chain)
    .map(one => {
      const header = references ? listHeader(one, references.get(one.name) ?? 0, options) : ''
      const rows = one.rules.map((rule, index) =>
        number === undefined || number === index + 1 ? listRule(rule, index + 1, options) : '',
      )
      return header + rows.join('')
    })
    .join('\n')
}

function countReferences({ chains }: Table): ReadonlyMap<string, number> {
  const references = new Map<string, number>()
  for (const { rules } of chains)
    for (const rule of rules) {
      const called = calledBy(rule)?.chain
      if (called !== undefined) references.set(called, (references.get(called) ?? 0) + 1)
    }
  return references
}

function listHeader(chain: Chain, references: number, options: ListOptions): string {
  const { packets, bytes } = chain.counters ?? noCounters
  const counts = options.verbose ? ` ${short(packets, options)} packets, ${short(bytes, options)} bytes` : ''
  const about = chain.policy ? `policy ${chain.policy}${counts}` : `${references} references`
  return `Chain ${chain.name} (${about})\n${columns(options)}\n`
}

function columns({ lineNumbers, verbose, exact }: ListOptions): string {
  const counters = exact ? `${'pkts'.padStart(8)} ${'bytes'.padStart(10)} ` : ' pkts bytes '
  return [
    lineNumbers ? 'num  ' : '',
    verbose ? counters : '',
    'target     prot opt',
    verbose ? ' in     out    ' : '',
    ' source               destination         ',
  ].join('')
}

/** One row, with its line end. */
export function listRule(rule: Rule, number: number, options: ListOptions): string {
  const { family, numeric = false, verbose, lineNumbers } = options
  return [
    lineNumbers ? `${`${number}`.padEnd(4)} ` : '',
    verbose ? listCounters(rule.counters ?? noCounters, options) : '',
    `${targetName(rule.target).padEnd(9)} `,
    sign(rule.protocol),
    `${protocolName(rule.protocol?.value ?? 0, numeric).padEnd(4)} `,
    `${fragment(rule)} `,
    verbose
      ? ` ${device(rule.inInterface, numeric).padEnd(6)} ${device(rule.outInterface, numeric).padEnd(6)} `
      : '',
    `${sign(rule.source)}${address(rule.source, family, numeric).padEnd(19)} `,
    `${sign(rule.destination)}${address(rule.destination, family, numeric).padEnd(19)} `,
    extensions(rule, { family, numeric }),
    '\n',
  ].join('')
}

/** Protocols that -v names without a look-up. */
const NAMED_PROTOCOLS: ReadonlySet<number> = new Set([0, 1, 6, 17, 50, 51, 58, 132, 135, 136])

/** A rule as -A, -I, -D and -C show it under -v, with its line end. */
export function listEdited(rule: Rule, family: Family): string {
  const protocol = rule.protocol?.value ?? 0
  const name = NAMED_PROTOCOLS.has(protocol) ? printProtocol(protocol) : `${protocol}`
  return [
    `${targetName(rule.target)} ${sign(rule.protocol)}${name} opt ${fragment(rule)} `,
    `in ${device(rule.inInterface, true)} out ${device(rule.outInterface, true)} `,
    `${sign(rule.source)}${address(rule.source, family, true)} `,
    `${sign(rule.destination)}-> ${address(rule.destination, family, true)}  `,
    extensions(rule, { family, numeric: true }),
    '\n',
  ].join('')
}

function extensions(rule: Rule, common: Pick<ListContext, 'family' | 'numeric'>): string {
  const { target, protocol } = rule
  const context: ListContext = { ...common, ...(protocol && { protocol: protocol.value }) }
  return [
    target?.kind === 'goto' ? '[goto] ' : '',
    ...rule.matches.map(match => listMatch(match, context)),
    target && !calledBy(rule) ? listTarget(target, context) : '',
  ].join('')
}

function listMatch(match: Match, context: ListContext): string {
  if (match.kind === 'unknown') return ` ${match.name}`
  const extension = matchExtension(match)
  return extension.list ? extension.list(match, context) : ` ${extension.name}`
}

function listTarget(target: Target, context: ListContext): string {
  if (target.kind === 'jump' || target.kind === 'goto' || target.kind === 'unknown') return ''
  return targetExtension(target).list?.(target, context) ?? ''
}

function targetName(target: Target | undefined): string {
  if (target?.kind === 'jump' || target?.kind === 'goto') return target.chain
  if (target?.kind === 'unknown') return target.name
  return target ? (targetExtension(target).listedAs ?? target.kind) : ''
}

const sign = (term: Term<unknown> | undefined): string => (term?.negated ? '!' : ' ')

const protocolName = (protocol: number, numeric: boolean): string =>
  numeric ? `${protocol}` : printProtocol(protocol)

const fragment = ({ fragment: asked }: Rule): string => `${asked?.negated ? '!' : '-'}${asked ? 'f' : '-'}`

const device = (term: Term<InterfacePattern> | undefined, numeric: boolean): string =>
  `${term?.negated ? '!' : ''}${term ? printInterface(term.value) : numeric ? '*' : 'any'}`

function address(term: Term<AddressMask> | undefined, family: Family, numeric: boolean): string {
  const { value, mask } = term?.value ?? { value: 0n, mask: 0n }
  // IPv4 goes by the mask, IPv6 by the address
  if (!numeric && (family === 4 ? mask : value) === 0n) return 'anywhere'
  if (mask === fullMask(family)) return printAddress(family, value)
  return printAddressMask({ family, value, mask })
}

function listCounters({ packets, bytes }: Counters, options: ListOptions): string {
  const width = options.exact ? 8 : 5
  return `${short(packets, options).padStart(width)} ${short(bytes, options).padStart(width)} `
}

/** In thousands (K), millions (M) … from 100,000 on, rounded at each step. */
function short(count: bigint, { exact }: ListOptions): string {
  if (exact || count <= 99_999n) return `${count}`
  let rest = count
  for (const unit of 'KMG') {
    rest = (rest + 500n) / 1000n
    if (rest <= 9999n) return `${rest}${unit}`
  }
  return `${(rest + 500n) / 1000n}T`
}
