// Early drops in front of the netfilter programs, and xdp and tc alone, beside iptables-legacy: whatever else lies in the way of a packet, the counters must
// be those of iptables, and where nothing does, packets must really be dropped early.

import { readFileSync } from 'node:fs'
import type { ExecutionContext } from 'ava'
import { type Family, parseSave } from 'iptables-parser'
import { aim } from './harness/aim.ts'
import { disagreement, type Experiment } from './harness/differential.ts'
import { type DirectHook, direct } from './harness/direct.ts'
import { type Firewall, legacy, lockEnvironment } from './harness/firewall.ts'
import { type Host, openHost } from './harness/host.ts'
import { owned } from './harness/owned.ts'
import { writeSettings } from './harness/sysctl.ts'
import { families } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const earlyHooks = ['early-tc', 'early-xdp'] as const
const hooks = [...earlyHooks, 'tc', 'xdp'] as const

const aimed = (rules: string, family: Family, seed: number): Experiment =>
  owned({ rules, ...aim(parseSave(rules, { family }), { seed }) })

const rulesFor = (family: Family, ...lines: readonly string[]): string => {
  const some = family === 4 ? '192.0.2.0/29' : '2001:db8::/125'
  return [
    '*filter',
    ':INPUT DROP [0:0]',
    ':FORWARD ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ':sub - [0:0]',
    ...lines,
    '-A INPUT -p tcp -j sub',
    `-A INPUT -s ${some}`,
    '-A INPUT -p udp -m udp --dport 53 -j ACCEPT',
    '-A sub -p tcp -m tcp --dport 23 -j DROP',
    '-A sub -p tcp -m tcp --dport 80 -j RETURN',
    'COMMIT',
    '',
  ].join('\n')
}

/** How many packets come as far as IP. */
const received = (host: Host): number => {
  const { family } = host.topology
  const text = host.inside(() => readFileSync(`/proc/thread-self/net/snmp${family === 4 ? '' : '6'}`, 'utf8'))
  if (family === 6) return Number(/^Ip6InReceives\s+(\d+)/m.exec(text)?.[1])
  const [names = '', values = ''] = text.split('\n')
  return Number(values.split(' ')[names.split(' ').indexOf('InReceives')])
}

const receivedUnder = async (
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

type Prepare = (host: Host) => void

/** The firewall on a host with something else in the packets' way. */
const behind = (prepare: Prepare, firewall: Firewall): Firewall => ({
  ...firewall,
  load: async (host, text) => {
    prepare(host)
    await firewall.load(host, text)
  },
})

const nothing: Prepare = () => {}

const dropsBefore = async (
  t: ExecutionContext,
  hook: DirectHook,
  experiment: Experiment,
  prepare: Prepare,
) => {
  const fault = () => disagreement(behind(prepare, direct(hook)), experiment, behind(prepare, legacy))
  // an answer of the host to itself comes in by lo, at times after the counters have been read: then once more
  t.is((await fault()) && (await fault()), undefined)
  const all = await receivedUnder(behind(prepare, legacy), experiment)
  return all - (await receivedUnder(behind(prepare, direct(hook)), experiment))
}

for (const hook of hooks)
  for (const family of families)
    kernelTest(`IPv${family} at ${hook}: packets are dropped before IP sees them`, async t => {
      t.true((await dropsBefore(t, hook, aimed(rulesFor(family), family, 1), nothing)) > 20)
    })

for (const hook of earlyHooks)
  for (const family of families)
    kernelTest(`IPv${family} at ${hook}: packets without a connection are dropped early`, async t => {
      const states = '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT'
      t.true((await dropsBefore(t, hook, aimed(rulesFor(family, states), family, 1), nothing)) > 20)
    })

const legacyCommand = ({ topology }: Host): string =>
  topology.family === 4 ? 'iptables-legacy-restore' : 'ip6tables-legacy-restore'

const restoring =
  (text: (family: Family) => string): Prepare =>
  host => {
    host.run(legacyCommand(host), [], text(host.topology.family), lockEnvironment(host))
  }

const redirected = (family: Family): string => (family === 4 ? '192.0.2.2' : '2001:db8::2')

/** What other tables of the kernel may do to packets before INPUT. */
const inTheWay: Readonly<Record<string, Prepare>> = {
  'DNAT and MASQUERADE': restoring(family =>
    [
      '*nat',
      `-A PREROUTING -p tcp -m tcp --dport 23 -j DNAT --to-destination ${family === 4 ? `${redirected(family)}:80` : `[${redirected(family)}]:80`}`,
      '-A POSTROUTING -p udp -j MASQUERADE',
      'COMMIT',
      '',
    ].join('\n'),
  ),
  'drops in raw': restoring(() => '*raw\n-A PREROUTING -p tcp -m tcp --dport 23 -j DROP\nCOMMIT\n'),
  'drops in mangle': restoring(() => '*mangle\n-A INPUT -p udp -j DROP\nCOMMIT\n'),
}

for (const [what, prepare] of Object.entries(inTheWay))
  for (const hook of hooks)
    kernelTest(`at ${hook}, ${what} are left to come first`, async t => {
      // how many of the host's own answers come in by lo differs by a few
      for (const family of families)
        t.true(Math.abs(await dropsBefore(t, hook, aimed(rulesFor(family), family, 2), prepare)) < 10)
    })

const filtering =
  (value: string): Prepare =>
  host =>
    host.inside(() => writeSettings({ 'ipv4/conf/all/rp_filter': value, 'ipv4/conf/all/accept_local': '0' }))

for (const hook of earlyHooks)
  for (const value of ['1', '2'])
    kernelTest(`at ${hook}, with rp_filter ${value} sources are the kernel's to refuse`, async t => {
      await dropsBefore(t, hook, aimed(rulesFor(4), 4, 3), filtering(value))
    })
