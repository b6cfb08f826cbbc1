// Which rules may have packets in common, told by the beginnings of their texts as iptables-save prints them:
//
//     -s 198.51.100.0/24 -d 192.0.2.1/32 -i eth0 -o eth1 -p tcp …
//
// What is not said so, such as what is negated, is taken for every packet: rules are found that have none in common, and never missed.

import type { Family } from 'iptables-parser'

const HEAD =
  /^(?: -s (?<source>[\da-f.:]+\/\d+)(?= |$))?(?: -d (?<destination>[\da-f.:]+\/\d+)(?= |$))?(?: -i \S+)?(?: -o \S+)?(?: -p (?<protocol>\S+))?/

/** An address in groups of 16 bits, and how many bits of it count. */
interface Prefix {
  readonly groups: readonly number[]
  readonly length: number
}

interface Head {
  readonly source: Prefix | undefined
  readonly destination: Prefix | undefined
  readonly protocol: string | undefined
}

/** Tells of the texts of rules whether one of these may match a packet that they match. */
export function overlapping(texts: readonly string[], family: Family): (text: string) => boolean {
  const prefixes = new Map<string, Prefix | undefined>()
  const prefixOf = (text: string | undefined): Prefix | undefined => {
    if (text === undefined) return undefined
    if (!prefixes.has(text)) prefixes.set(text, parsePrefix(text, family))
    return prefixes.get(text)
  }
  const headOf = (text: string): Head => {
    const { source, destination, protocol } = HEAD.exec(text)?.groups ?? {}
    // rules of IPv6 drop packets that are malformed for them before they ask for the protocol
    const asked = family === 4 ? protocol : undefined
    return { source: prefixOf(source), destination: prefixOf(destination), protocol: asked }
  }
  const heads = texts.map(headOf)
  return text => {
    const head = headOf(text)
    return heads.some(other => overlap(head, other))
  }
}

const overlap = (a: Head, b: Head): boolean =>
  (a.protocol === undefined || b.protocol === undefined || a.protocol === b.protocol) &&
  haveCommon(a.source, b.source) &&
  haveCommon(a.destination, b.destination)

function haveCommon(a: Prefix | undefined, b: Prefix | undefined): boolean {
  if (!a || !b) return true
  const length = Math.min(a.length, b.length)
  for (let group = 0; 16 * group < length; group++) {
    const beyond = Math.max(0, 16 * (group + 1) - length)
    if (((a.groups[group] ?? 0) ^ (b.groups[group] ?? 0)) >> beyond !== 0) return false
  }
  return true
}

/** Undefined for what cannot be told by groups alone. */
function parsePrefix(text: string, family: Family): Prefix | undefined {
  const [address = '', length] = text.split('/')
  const groups = family === 4 ? groupsOfIPv4(address) : groupsOfIPv6(address)
  return groups && { groups, length: Number(length) }
}

function groupsOfIPv4(address: string): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  return [a * 256 + b, c * 256 + d]
}

function groupsOfIPv6(address: string): number[] | undefined {
  if (address.includes('.')) return undefined
  const [front = [], back] = address.split('::').map(part => (part === '' ? [] : part.split(':')))
  const zeros = back ? Array.from({ length: 8 - front.length - back.length }, () => '0') : []
  return [...front, ...zeros, ...(back ?? [])].map(group => Number.parseInt(group, 16))
}
