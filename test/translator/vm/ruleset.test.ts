// A rule set all the way: parsed, translated, and run in the interpreter.

import test from 'ava'
import { parseSave } from 'iptables-parser'
import { newLayout } from '../../../translator/counter.ts'
import { lanesOf } from '../../../translator/lane.ts'
import { translate } from '../../../translator/translate.ts'
import type { NetfilterInput } from '../../../translator/vm/context.ts'
import { newVm } from '../../../translator/vm/vm.ts'
import { build } from '../../packet/build.ts'
import { parsePacket } from '../../packet/text.ts'

const text = `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m conntrack --ctstate DNAT -j ACCEPT
-A INPUT -p tcp -j web
-A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A web -p tcp -m tcp --dport 80 -j ACCEPT
-A web -p tcp -m tcp --dport 443 -j RETURN
-A web -s 192.0.2.0/24 -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
`

const inputVm = () => {
  const rulesets = [parseSave(text, { family: 4 })]
  const counters = newLayout(rulesets)
  const translation = translate(rulesets, { lanes: lanesOf('netfilter', [4]), counters })
  if (translation.kind === 'refused') throw new Error(translation.refusals[0]?.reason)
  const specs = translation.programs.map(({ spec }) => spec)
  return { vm: newVm(specs), name: specs[0]?.name ?? '', counters }
}

const ACCEPT = 1
const DROP = 0

const cases: readonly (readonly [packet: string, verdict: number, around?: Partial<NetfilterInput>])[] = [
  ['ip src=192.0.2.1 dst=192.0.2.2 / tcp dport=80 flags=syn', ACCEPT],
  ['ip src=192.0.2.1 dst=192.0.2.2 / tcp dport=443 flags=syn', DROP],
  ['ip src=192.0.2.1 dst=192.0.2.2 / tcp dport=22 flags=syn', ACCEPT],
  ['ip src=198.51.100.1 dst=192.0.2.2 / tcp dport=22 flags=syn', DROP],
  ['ip src=198.51.100.1 dst=192.0.2.2 / icmp type=8', ACCEPT],
  ['ip src=198.51.100.1 dst=192.0.2.2 / icmp type=0', DROP],
  // IP_CT_ESTABLISHED_REPLY, IP_CT_NEW
  ['ip src=198.51.100.1 dst=192.0.2.2 / icmp type=0', ACCEPT, { conntrack: { info: 3, status: 0 } }],
  ['ip src=198.51.100.1 dst=192.0.2.2 / icmp type=0', DROP, { conntrack: { info: 2, status: 0 } }],
  // IPS_DST_NAT
  ['ip src=198.51.100.1 dst=192.0.2.2 / icmp type=0', ACCEPT, { conntrack: { info: 2, status: 32 } }],
  ['ip src=198.51.100.1 dst=192.0.2.2 / icmp type=0', ACCEPT, { in: { name: 'lo', ifindex: 1 } }],
]

test('packets get the verdicts of the rules, in one piece and in two', t => {
  const { vm, name } = inputVm()
  for (const linear of [undefined, 21])
    for (const [packet, verdict, around] of cases) {
      const input: NetfilterInput = {
        kind: 'netfilter',
        packet: build(parsePacket(packet)),
        hook: 1,
        pf: 2,
        in: { name: 'eth0', ifindex: 2 },
        ...around,
        ...(linear !== undefined && { linear }),
      }
      t.is(vm.run(name, input).verdict, verdict, `${packet} ${JSON.stringify(around)}`)
    }
})
