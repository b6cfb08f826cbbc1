import { readFileSync } from 'node:fs'
import type { Family } from 'iptables-parser'

const read = (name: string): string => readFileSync(`/proc/thread-self/net/${name}`, 'utf8')

/** `Ip: names…`, then `Ip: values…`. */
const snmp4 = (): ReadonlyMap<string, string> => {
  const [names = '', values = ''] = read('snmp').split('\n')
  const value = values.split(' ')
  return new Map(names.split(' ').map((name, index) => [name, value[index] ?? '']))
}

/** `Ip6Name   value` lines. */
const snmp6 = (): ReadonlyMap<string, string> =>
  new Map(
    read('snmp6')
      .split('\n')
      .map(line => {
        const [name = '', value = ''] = line.split(/\s+/)
        return [name.replace(/^Ip6Out(?=Forw)|^Ip6/, ''), value]
      }),
  )

/** Datagrams that were delivered after INPUT and forwarded after FORWARD (RFC 4293). */
const verdicts = (family: Family): readonly string[] => {
  const counters = family === 4 ? snmp4() : snmp6()
  return ['InDelivers', 'ForwDatagrams'].map(name => `${name} ${counters.get(name) ?? 'missing'}`)
}

/** What left by each device. Columns of /proc/net/dev after the name: 8 received, then bytes and packets sent. */
const departures = (): readonly string[] =>
  read('dev')
    .split('\n')
    .slice(2)
    .flatMap(line => {
      const [name = '', ...columns] = line.trim().split(/:?\s+/)
      return name === '' ? [] : [`${name} sent ${columns[9]} packets, ${columns[8]} bytes`]
    })
    .toSorted()

/** What the kernel says became of the packets, besides the rules' counters; of the calling thread's namespace. */
export const traffic = (family: Family): readonly string[] => [...verdicts(family), ...departures()]
