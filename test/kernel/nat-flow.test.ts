// Our filter beside a nat table that the kernel's own iptables runs: real flows with replies, translated on their way in and on their way
// out. What is answered and what every rule has counted is as with iptables-legacy alone.

import { type Question, type Router, withRouter } from './nat-flow.ts'
import { kernelTestNeeding } from './needs-kernel.ts'
import { kernelPrograms, succeed, tablesOf, withPassing } from './passing.ts'

const nat = `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i inside -p tcp -m tcp --dport 8080 -j DNAT --to-destination 198.51.100.2:80
-A PREROUTING -i inside -p udp -m udp --dport 5353 -j DNAT --to-destination 198.51.100.2:53
-A OUTPUT -d 192.0.2.1/32 -p udp -m udp --dport 5354 -j DNAT --to-destination 198.51.100.2:53
-A POSTROUTING -o back -j MASQUERADE
COMMIT
`

/** Every chain sees a translated destination; what was not translated is dropped. */
const rules = `${nat}*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT DROP [0:0]
-A INPUT -p udp -m udp --dport 7 -j ACCEPT
-A INPUT -p udp -m conntrack --ctstate ESTABLISHED --ctreplsrc 198.51.100.2 -j ACCEPT
-A FORWARD -p tcp -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -p udp -m conntrack --ctstate ESTABLISHED --ctdir REPLY -j ACCEPT
-A FORWARD -p tcp -m tcp --dport 8080 -j DROP
-A FORWARD -d 198.51.100.2/32 -i inside -o back -p tcp -m tcp --dport 80 -m conntrack --ctstate DNAT --ctorigdstport 8080 -j ACCEPT
-A FORWARD -d 198.51.100.2/32 -p udp -m udp --dport 53 -m conntrack --ctstate DNAT -j ACCEPT
-A OUTPUT -p udp -m udp --dport 5354 -j DROP
-A OUTPUT -d 198.51.100.2/32 -p udp -m udp --dport 53 -m conntrack --ctorigdst 192.0.2.1 -j ACCEPT
-A OUTPUT -p udp -m udp --sport 7 -j ACCEPT
COMMIT
`

const PATIENT = 10_000
const SHORT = 300

const question = (
  protocol: Question['protocol'],
  host: string,
  port: number,
  patience = PATIENT,
): Question => ({
  protocol,
  host,
  port,
  patience,
})

const flows = ({ ask }: Router): readonly string[] => [
  ...ask('client', [
    question('tcp', '192.0.2.1', 8080),
    question('tcp', '192.0.2.1', 8080),
    question('udp', '192.0.2.1', 5353),
    question('udp', '192.0.2.1', 7),
    question('udp', '198.51.100.2', 53, SHORT),
    question('udp', '192.0.2.1', 9, SHORT),
  ]),
  ...ask('router', [question('udp', '192.0.2.1', 5354), question('udp', '198.51.100.2', 53, SHORT)]),
]

const answers = [
  ...Array.from({ length: 3 }, () => 'asked from 198.51.100.1'),
  'asked from 192.0.2.2',
  'nothing',
  'nothing',
  'asked from 198.51.100.1',
]

const services = {
  router: [
    { protocol: 'udp', port: 7 },
    { protocol: 'udp', port: 9 },
  ],
  server: [
    { protocol: 'tcp', port: 80 },
    { protocol: 'udp', port: 53 },
  ],
} as const

/** How many packets a TCP connection takes once it is there is up to timers; that it took some is not. */
const withoutTcp = (table: string | undefined): string | undefined =>
  table?.replace(/^\[[1-9]\d*:\d+\](?= -A FORWARD -p tcp -m conntrack --ctstate ESTABLISHED)/m, '[some]')

interface Outcome {
  readonly answers: readonly string[]
  readonly filter: string | undefined
  readonly nat: string | undefined
}

for (const program of kernelPrograms)
  kernelTestNeeding('iptables-legacy', program)(
    `${program}: flows that its nat table translates are filtered and counted as by iptables-legacy`,
    async t => {
      const run = async (by: 'ours' | 'legacy'): Promise<Outcome> => {
        let outcome: Outcome = { answers: [], filter: '', nat: '' }
        await withPassing(by === 'ours' ? program : 'iptables-legacy', async passing => {
          const { ours, theirs } = passing
          await withRouter(passing, services, router => {
            succeed(by === 'ours' ? ours('iptables-restore', [], rules) : theirs('-restore', [], rules))
            const answered = flows(router)
            const saved = by === 'ours' ? ours('iptables-save', ['-c']) : theirs('-save', ['-c'])
            const tables = tablesOf(succeed(saved), 'counters')
            outcome = { answers: answered, filter: withoutTcp(tables.get('filter')), nat: tables.get('nat') }
          })
        })
        return outcome
      }
      const [expected, actual] = [await run('legacy'), await run('ours')]
      t.deepEqual(actual, expected)
      t.deepEqual(actual.answers.slice(0, -1), answers)
      t.regex(actual.filter ?? '', /^\[some\] -A FORWARD/m)
      t.regex(actual.filter ?? '', /^\[2:120\] -A FORWARD -d 198\.51\.100\.2\/32 -i inside -o back -p tcp/m)
    },
  )
