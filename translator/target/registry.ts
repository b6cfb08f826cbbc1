// What a target does to the walk. A target that rules/ knows and this table does not is a compile error.

import type { ChainTarget, Target } from 'iptables-parser'
import { Untranslatable, type UntranslatableOptions } from '../match/translate.ts'

/** Counting is done for every rule that matches, whatever its target. */
export type Action = 'accept' | 'drop' | 'return' | 'continue'

export type TargetTranslator<T> = (target: T) => Action

type Extension = Exclude<Target, ChainTarget>

export const untranslatableTarget =
  (why: string, options?: UntranslatableOptions): TargetTranslator<unknown> =>
  () => {
    throw new Untranslatable(why, options)
  }

const changes = (what: string): TargetTranslator<unknown> =>
  untranslatableTarget(`it changes ${what}, and a netfilter program cannot write to packets`, {
    hint: "put the rule into the mangle table of the kernel's own iptables, which runs before",
  })

const translates: TargetTranslator<unknown> = untranslatableTarget('it translates addresses', {
  hint: "it belongs into the nat table, which stays with the kernel's own iptables",
})

const tracks: TargetTranslator<unknown> = untranslatableTarget('it tells connection tracking what to do', {
  hint: "it belongs into the raw table, which stays with the kernel's own iptables",
})

const marks = (what: string): TargetTranslator<unknown> =>
  untranslatableTarget(`it sets ${what}, which a netfilter program can only read`, {
    hint: "set it in the mangle table of the kernel's own iptables, which runs before; rules here can ask for it",
  })

const hands = (whom: string): TargetTranslator<unknown> =>
  untranslatableTarget(`it hands the packet to ${whom}, and a program can only accept or drop it`)

const answers = (how: string): TargetTranslator<unknown> =>
  untranslatableTarget(`it answers the sender ${how}, and a netfilter program cannot send packets`, {
    hint: "write -j DROP if the sender may wait in vain; or leave this rule set to the kernel's own iptables",
  })

const logs = (where: string): TargetTranslator<unknown> =>
  untranslatableTarget(`it writes packets to ${where}, which a program cannot do`, {
    hint: 'leave the target out: the rule then counts what it would have logged (bpftables stats shows it), and the next rule goes on as before',
  })

export const targetTranslators: {
  readonly [K in Extension['kind']]: TargetTranslator<Extract<Extension, { kind: K }>>
} = {
  ACCEPT: () => 'accept',
  AUDIT: logs('the audit log'),
  CHECKSUM: changes('the checksum'),
  CLASSIFY: marks('the traffic control class'),
  CLUSTERIP: untranslatableTarget('Linux has not had it since 6.3'),
  CONNMARK: marks('the mark of a connection'),
  CONNSECMARK: marks('the security mark'),
  CT: tracks,
  DNAT: translates,
  DNPT: translates,
  DROP: () => 'drop',
  DSCP: changes('the DSCP'),
  ECN: changes('the ECN bits'),
  HL: changes('the hop limit'),
  HMARK: marks('a mark from a hash of the packet'),
  IDLETIMER: untranslatableTarget('it keeps a timer of the kernel going, which a program cannot reach'),
  LED: untranslatableTarget('it lights a lamp, which a program cannot reach'),
  LOG: logs('the kernel log'),
  MARK: marks('the packet mark'),
  MASQUERADE: translates,
  NETMAP: translates,
  NFLOG: logs('a listening process'),
  NFQUEUE: hands('a process, which decides'),
  NOTRACK: tracks,
  QUEUE: hands('a process, which decides'),
  RATEEST: untranslatableTarget('it feeds a rate estimator of the kernel, which a program cannot reach'),
  REDIRECT: translates,
  REJECT: answers('with an error'),
  RETURN: () => 'return',
  SECMARK: marks('the security mark'),
  SET: untranslatableTarget('it changes an ipset, which a program cannot reach'),
  SNAT: translates,
  SNPT: translates,
  SYNPROXY: answers('for the server'),
  TCPMSS: changes('the TCP header'),
  TCPOPTSTRIP: changes('the TCP header'),
  TEE: untranslatableTarget('it sends a copy of the packet, and a netfilter program cannot send packets'),
  TOS: changes('the type of service'),
  TPROXY: hands('a socket of this machine'),
  TRACE: untranslatableTarget(
    'it has the kernel report each rule that the packet meets, and the kernel does not see these rules',
    {
      hint: 'take the rule out: bpftables explain tells which rules a packet meets',
    },
  ),
  TTL: changes('the TTL'),
  unknown: untranslatableTarget('bpftables does not know this target'),
}
