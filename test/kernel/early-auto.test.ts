// What `auto` chooses for a raw table, through the commands: a blacklist there is worth XDP, its drops never come to IP, and are counted once.

import { type Family, iptablesName, parseSave } from 'iptables-parser'
import { aim } from './harness/aim.ts'
import { disagreement } from './harness/differential.ts'
import { type Firewall, legacy } from './harness/firewall.ts'
import { receivedUnder } from './harness/received.ts'
import { families } from './harness/translatable.ts'
import { commandPath, type Installation, withInstallation } from './installation.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

/** bpftables as it is installed, with what `status` said of it. */
const installed = ({ environment }: Installation, said: string[]): Firewall => ({
  name: 'bpftables under auto',
  load: (host, text) => {
    const iptables = iptablesName(host.topology.family)
    // the last rule is one that is added to the others in force
    const [rules = '', last = ''] = text.split(/^(-A .*)\n(?=COMMIT)/m)
    host.run(commandPath(`${iptables}-restore`), [], `${rules}COMMIT\n`, environment)
    host.run(commandPath(iptables), ['-t', 'raw', ...last.split(' ')], '', environment)
    said.push(host.run(commandPath('bpftables'), ['status'], '', environment))
  },
  read: host =>
    host.run(commandPath(`${iptablesName(host.topology.family)}-save`), ['-c', '-t', 'raw'], '', environment),
  unload: host => {
    host.run(commandPath('bpftables'), ['detach', '--force'], '', environment)
  },
})

const blacklist = (family: Family, length: number): string => {
  const network = family === 4 ? '198.51.100.' : '2001:db8:bad::'
  const rules = Array.from({ length }, (_, at) => `-A PREROUTING -s ${network}${at + 1} -j DROP`)
  return ['*raw', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n')
}

for (const family of families)
  for (const [length, hook] of [
    [100, 'xdp'],
    [5, 'tc'],
  ] as const)
    kernelTest(`IPv${family}: ${length} sources in raw are dropped at ${hook}, and counted as ever`, t =>
      withInstallation(async installation => {
        const rules = blacklist(family, length)
        const experiment = { rules, ...aim(parseSave(rules, { family }), { seed: 1 }) }
        const said: string[] = []
        const auto = installed(installation, said)
        t.is(await disagreement(auto, experiment, legacy), undefined)
        t.regex(said[0] ?? '', new RegExp(`${hook}.*PREROUTING of raw`))
        const before = await receivedUnder(legacy, experiment)
        t.true(before - (await receivedUnder(auto, experiment)) >= length)
      }),
    )
