// What a network namespace's own stack says it did.

import { readFileSync } from 'node:fs'
import type { Family } from 'iptables-parser'

/** The counters of the current network namespace, by names like `Ip InReceives` or `Ip6InReceives`. */
export const readSnmp = (family: Family): ReadonlyMap<string, number> =>
  family === 4 ? parsePairs(readSelf('snmp')) : parseLines(readSelf('snmp6'))

const readSelf = (name: string): string => readFileSync(`/proc/thread-self/net/${name}`, 'utf8')

/** Lines come in pairs: names, then numbers, both behind `Protocol:`. */
function parsePairs(text: string): Map<string, number> {
  const lines = text.trimEnd().split('\n')
  const values = new Map<string, number>()
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [protocol = '', ...names] = (lines[at] ?? '').split(' ')
    const [, ...numbers] = (lines[at + 1] ?? '').split(' ')
    for (const [index, name] of names.entries())
      values.set(`${protocol.replace(':', '')} ${name}`, Number(numbers[index]))
  }
  return values
}

const parseLines = (text: string): Map<string, number> =>
  new Map(
    text
      .trimEnd()
      .split('\n')
      .map(line => {
        const [name = '', number] = line.split(/\s+/)
        return [name, Number(number)] as const
      }),
  )
