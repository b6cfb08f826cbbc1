// Which match is translated how. A match that rules/ knows and this table does not is a compile error.

import type { Match } from 'iptables-parser'
import { comment } from './comment.ts'
import { conntrack } from './conntrack.ts'
import { icmp } from './icmp.ts'
import { icmp6 } from './icmp6.ts'
import { multiport } from './multiport.ts'
import { state } from './state.ts'
import { tcp } from './tcp.ts'
import { type MatchTranslator, untranslatable } from './translate.ts'
import { udp } from './udp.ts'

export const matchTranslators: {
  readonly [K in Match['kind']]: MatchTranslator<Extract<Match, { kind: K }>>
} = {
  comment,
  conntrack,
  cpu: untranslatable('no program is told which CPU iptables would have asked on'),
  icmp,
  icmp6,
  multiport,
  state,
  tcp,
  udp,
}
