import { readFileSync } from 'node:fs'
import type { Experiment } from './differential.ts'
import type { Firewall } from './firewall.ts'
import { type Host, openHost } from './host.ts'

/** How many packets have come as far as IP, which is before any netfilter hook. */
const received = (host: Host): number => {
  const { family } = host.topology
  const text = host.inside(() => readFileSync(`/proc/thread-self/net/snmp${family === 4 ? '' : '6'}`, 'utf8'))
  if (family === 6) return Number(/^Ip6InReceives\s+(\d+)/m.exec(text)?.[1])
  const [names = '', values = ''] = text.split('\n')
  return Number(values.split(' ')[names.split(' ').indexOf('InReceives')])
}

/** How many of an experiment's packets come so far with its rules in force. */
export const receivedUnder = async (
  firewall: Firewall,
  { topology, rules, probes }: Experiment,
): Promise<number> => {
  const host = openHost(topology)
  try {
    await firewall.load(host, rules)
    host.send(probes)
    return received(host)
  } finally {
    await firewall.unload?.(host)
    host.close()
  }
}
