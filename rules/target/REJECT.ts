import { RuleError } from '../error.ts'
import { defineTarget } from '../extension.ts'
import type { Family } from '../family.ts'
import { option } from '../option.ts'
import { protocols } from '../value/protocol.ts'

/** What the sender is told, in the order of iptables. */
const REASONS4 = [
  ['icmp-net-unreachable', 'net-unreach'],
  ['icmp-host-unreachable', 'host-unreach'],
  ['icmp-proto-unreachable', 'proto-unreach'],
  ['icmp-port-unreachable', 'port-unreach'],
  ['icmp-net-prohibited', 'net-prohib'],
  ['icmp-host-prohibited', 'host-prohib'],
  ['tcp-reset', 'tcp-rst'],
  ['icmp-admin-prohibited', 'admin-prohib'],
] as const
const REASONS6 = [
  ['icmp6-no-route', 'no-route'],
  ['icmp6-adm-prohibited', 'adm-prohibited'],
  ['icmp6-addr-unreachable', 'addr-unreach'],
  ['icmp6-port-unreachable', 'port-unreach'],
  ['tcp-reset', 'tcp-reset'],
  ['icmp6-policy-fail', 'policy-fail'],
  ['icmp6-reject-route', 'reject-route'],
] as const

export type RejectReason = (typeof REASONS4)[number][0] | (typeof REASONS6)[number][0]

export interface RejectTarget {
  readonly kind: 'REJECT'
  readonly with: RejectReason
}

/** By its beginning, in any case; the first reason that begins so, or whose short name does, is meant. */
function parseReason(text: string, family: Family): RejectReason {
  const reasons: readonly (readonly [RejectReason, string])[] = family === 4 ? REASONS4 : REASONS6
  const found = reasons.find(names => names.some(name => name.startsWith(text.toLowerCase())))
  if (!found)
    throw new RuleError('ERR_VALUE', `"${text}" is not a way to reject`, {
      hint: `ways are ${reasons.map(([name]) => name).join(', ')}`,
    })
  return found[0]
}

export const REJECT = defineTarget<RejectTarget>()({
  name: 'REJECT',
  tables: ['filter'],
  chains: ['INPUT', 'FORWARD', 'OUTPUT'],
  options: { 'reject-with': option((text, { family }) => parseReason(text, family)) },
  verdict: 'drop',
  build: (given, { family }) => ({
    kind: 'REJECT',
    with: given['reject-with']?.value ?? (family === 4 ? 'icmp-port-unreachable' : 'icmp6-port-unreachable'),
  }),
  placementOf: target => (target.with === 'tcp-reset' ? { protocols: [protocols.tcp] } : {}),
  print: target => ` --reject-with ${target.with}`,
  list: target => ` reject-with ${target.with}`,
})
