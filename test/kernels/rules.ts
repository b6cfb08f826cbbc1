// The rules that cases load.

import { writeFileSync } from 'node:fs'
import { inside } from './network.ts'

export type HookChoice = 'auto' | 'netfilter' | 'xdp' | 'tc'

/** The bytes of an echo request: IP and ICMP headers. */
export const ECHO_BYTES = 28

/** Lets echoes in, or not, behind more rules; counters begin at these. */
export const echoRules = (
  verdict: 'ACCEPT' | 'DROP',
  { device = `-i ${inside} `, requests = 0, replies = 0, more = '' } = {},
): string => `*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [${replies}:${replies * ECHO_BYTES}]
[0:0] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
${more}[${requests}:${requests * ECHO_BYTES}] -A INPUT ${device}-p icmp -j ${verdict}
COMMIT
`

/** Writes rules to a file, and says its name. */
export function ruleFile(text: string): string {
  const path = '/tmp/rules.v4'
  writeFileSync(path, text)
  return path
}
