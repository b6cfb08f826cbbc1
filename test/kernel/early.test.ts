// Early drops in front of the netfilter programs, and xdp and tc alone, beside iptables-legacy: whatever else lies in the way of a packet, the counters must
// be those of iptables, and where nothing does, packets must really be dropped early.

import type { ExecutionContext } from 'ava'
import { type Family, parseSave } from 'iptables-parser'
import { aim } from './harness/aim.ts'
import { disagreement, type Experiment } from './harness/differential.ts'
import { type DirectHook, direct } from './harness/direct.ts'
import { type Firewall, legacy, lockEnvironment } from './harness/firewall.ts'
import type { Host } from './harness/host.ts'
import { owned } from './harness/owned.ts'
import { receivedUnder } from './harness/received.ts'
import { writeSettings } from './harness/sysctl.ts'
import { families } from './harness/translatable.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')
const needingNft = kernelTestNeeding('iptables-legacy', 'nft')

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

const rawRulesFor = (family: Family): string => {
  const [some, other] = family === 4 ? ['192.0.2.0/29', '198.51.100.9'] : ['2001:db8::/125', '2001:db8:f::9']
  return [
    '*raw',
    ':PREROUTING ACCEPT [0:0]',
    ':OUTPUT ACCEPT [0:0]',
    ':sub - [0:0]',
    `-A PREROUTING -s ${some}`,
    `-A PREROUTING -s ${other} -j ACCEPT`,
    '-A PREROUTING -j sub',
    '-A OUTPUT -j sub',
    '-A sub -p tcp -m tcp --dport 23 -j DROP',
    '-A sub -p udp -m udp --dport 53 -j RETURN',
    '-A sub -p udp -j DROP',
    'COMMIT',
    '',
  ].join('\n')
}

for (const hook of earlyHooks)
  for (const family of families)
    kernelTest(
      `IPv${family} at ${hook}: drops of raw are taken early, also of packets to be routed`,
      async t => {
        const rules = rawRulesFor(family)
        // without addresses of its own but one, the host forwards most of the packets
        const experiment = { rules, ...aim(parseSave(rules, { family }), { seed: 1 }) }
        t.true((await dropsBefore(t, hook, experiment, nothing)) > 20)
        t.true((await dropsBefore(t, hook, aimed(rules + rulesFor(family), family, 1), nothing)) > 20)
      },
    )

const legacyCommand = ({ topology }: Host): string =>
  topology.family === 4 ? 'iptables-legacy-restore' : 'ip6tables-legacy-restore'

const restoring =
  (text: (family: Family) => string): Prepare =>
  host => {
    host.run(legacyCommand(host), [], text(host.topology.family), lockEnvironment(host))
  }

const redirected = (family: Family): string => (family === 4 ? '192.0.2.2' : '2001:db8::2')

const translating = restoring(family =>
  [
    '*nat',
    `-A PREROUTING -p tcp -m tcp --dport 23 -j DNAT --to-destination ${family === 4 ? `${redirected(family)}:80` : `[${redirected(family)}]:80`}`,
    '-A POSTROUTING -p udp -j MASQUERADE',
    'COMMIT',
    '',
  ].join('\n'),
)
const mangling = restoring(() => '*mangle\n-A INPUT -p udp -j DROP\nCOMMIT\n')

/** What other tables of the kernel may do to packets before INPUT. */
const inTheWay: Readonly<Record<string, Prepare>> = {
  'DNAT and MASQUERADE': translating,
  'drops in raw': restoring(() => '*raw\n-A PREROUTING -p tcp -m tcp --dport 23 -j DROP\nCOMMIT\n'),
  'drops in mangle': mangling,
}

for (const [what, prepare] of Object.entries(inTheWay))
  for (const hook of hooks)
    kernelTest(`at ${hook}, ${what} are left to come first`, async t => {
      // how many of the host's own answers come in by lo differs by a few
      for (const family of families)
        t.true(Math.abs(await dropsBefore(t, hook, aimed(rulesFor(family), family, 2), prepare)) < 10)
    })

/** Not the PATH of the test run: among npm's binaries is another `nft`. */
const systemPath = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }

/** Chains of nf_tables that packets meet before raw: at its hook, and at a device. */
const beforeRaw: Readonly<Record<string, (host: Host) => string>> = {
  'drops at a lower priority': () => 'type filter hook prerouting priority -350; tcp dport 23 drop',
  'drops at ingress': ({ topology }) =>
    `type filter hook ingress devices = { ${topology.devices.map(({ name }) => name).join(', ')} } priority 0; udp dport 53 drop`,
}

for (const hook of earlyHooks) {
  for (const [what, prepare] of Object.entries({
    'DNAT and MASQUERADE': translating,
    'drops in mangle': mangling,
  }))
    kernelTest(`at ${hook}, raw drops in front of ${what}`, async t => {
      for (const family of families)
        t.true((await dropsBefore(t, hook, aimed(rawRulesFor(family), family, 2), prepare)) > 20)
    })

  for (const [what, chain] of Object.entries(beforeRaw))
    needingNft(`at ${hook}, ${what} are left to come before raw`, async t => {
      const prepare: Prepare = host =>
        host.run('nft', [`table inet other { chain first { ${chain(host)}; }; }`], '', systemPath)
      for (const family of families)
        t.true(Math.abs(await dropsBefore(t, hook, aimed(rawRulesFor(family), family, 2), prepare)) < 10)
    })

  kernelTest(`at ${hook}, raw counts nothing of a device without IPv6`, async t => {
    const disabled: Prepare = host =>
      host.inside(() =>
        writeSettings(
          Object.fromEntries(
            host.topology.devices.map(({ name }) => [`ipv6/conf/${name}/disable_ipv6`, '1']),
          ),
        ),
      )
    t.is(await dropsBefore(t, hook, aimed(rawRulesFor(6), 6, 4), disabled), 0)
  })
}

const filtering =
  (value: string): Prepare =>
  host =>
    host.inside(() => writeSettings({ 'ipv4/conf/all/rp_filter': value, 'ipv4/conf/all/accept_local': '0' }))

for (const hook of earlyHooks)
  for (const value of ['1', '2'])
    kernelTest(`at ${hook}, with rp_filter ${value} sources are the kernel's to refuse`, async t => {
      await dropsBefore(t, hook, aimed(rulesFor(4), 4, 3), filtering(value))
    })
