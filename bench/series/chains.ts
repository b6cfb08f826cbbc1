// A tree of chains as Kubernetes and Docker make them: a rule for each pod or container calls its chain, which asks for
// policies and ports in chains of their own, two levels further down.

import { ipv4Text, unicast } from '../address.ts'
import { type Flow, protocolNumber } from '../frame.ts'
import { type Random, randomFrom } from '../random.ts'
import { filterTable, type Series, spread } from '../workload.ts'

const PACKETS = 64
/** Rules for a pod in all its chains; sizes count rules. */
const RULES_PER_POD = 5
/** Rules in front of the pods'. */
const FIXED_RULES = 4

const chainNames = (pod: number): readonly [pod: string, policy: string] => {
  const id = pod.toString(36).toUpperCase().padStart(6, '0')
  return [`POD-FW-${id}`, `POD-NP-${id}`]
}

export const chains: Series = {
  title: 'chains that call chains, four deep, as for pods or containers',
  sizes: [104, 1_004, 10_004, 100_004],
  make(size, seed) {
    const random = randomFrom(seed)
    const pods = Math.max(1, Math.floor((size - FIXED_RULES) / RULES_PER_POD))
    const to = (pod: number): Flow => flowTo(addressOf(pod), random)
    return {
      family: 4,
      course: 'INPUT',
      rules: FIXED_RULES + pods * RULES_PER_POD,
      text: textOf(pods),
      traffic: [
        { kind: 'last', flows: [to(pods - 1)] },
        { kind: 'spread', flows: spread(pods, PACKETS).map(to) },
        { kind: 'random', flows: Array.from({ length: PACKETS }, () => flowTo(unicast(random), random)) },
      ],
    }
  },
}

/** Pods live in 10.0.0.0/8. */
const addressOf = (pod: number): bigint => (10n << 24n) + BigInt(pod + 2)

const flowTo = (destination: bigint, random: Random): Flow => ({
  family: 4,
  source: unicast(random),
  destination,
  protocol: protocolNumber.tcp,
  sourcePort: 1024 + random(60_000),
  destinationPort: 8080,
})

function textOf(pods: number): string {
  const numbers = Array.from({ length: pods }, (_, pod) => pod)
  const names = numbers.flatMap(pod => [...chainNames(pod)])
  const text = filterTable('INPUT', 'ACCEPT', [
    '-A INPUT -i lo -j ACCEPT',
    '-A INPUT -j KUBE-ROUTER',
    '-A KUBE-ROUTER -p icmp -j ACCEPT',
    '-A KUBE-ROUTER -j PODS',
    ...numbers.flatMap(podRules),
  ])
  const declarations = ['KUBE-ROUTER', 'PODS', ...names].map(name => `:${name} - [0:0]\n`).join('')
  return text.replace(/^-A /m, `${declarations}-A `)
}

function podRules(pod: number): string[] {
  const [firewall, policy] = chainNames(pod)
  return [
    `-A PODS -d ${ipv4Text(addressOf(pod))}/32 -j ${firewall}`,
    `-A ${firewall} -m comment --comment "policies of pod ${pod}" -j ${policy}`,
    `-A ${firewall} -j DROP`,
    `-A ${policy} -s 192.0.2.0/24 -j RETURN`,
    `-A ${policy} -p tcp -m tcp --dport 8080 -j ACCEPT`,
  ]
}
