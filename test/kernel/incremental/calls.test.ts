// Edits beside the chains of many pods: the functions that these stand in go on in the programs made anew, but where that would not be certain to be right.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readIndex } from '../../../src/service/incremental/index-file.ts'
import { readGenerationWord } from '../../../src/service/live.ts'
import type { Installation } from '../installation.ts'
import { kernelTest } from '../needs-kernel.ts'
import { ping, saved, succeed, withChains } from './around.ts'

const PODS = 200
/** The pod that has the address of the near end. */
const OWN = 7

const each = Array.from({ length: PODS }, (_, pod) => pod)
const addressOf = (pod: number): string => (pod === OWN ? '192.0.2.1' : `10.0.0.${pod}`)
const chains = ['pods', 'spare', ...each.flatMap(pod => [`pod-${pod}`, `policy-${pod}`])]
const rules = [
  '-A INPUT -i lo -j ACCEPT',
  '-A INPUT -j pods',
  ...each.flatMap(pod => [
    `-A pods -d ${addressOf(pod)}/32 -j pod-${pod}`,
    `-A pod-${pod} -j policy-${pod}`,
    `-A pod-${pod} -p udp -j DROP`,
    `-A policy-${pod} -s 10.0.0.0/8 -j RETURN`,
    `-A policy-${pod} -p tcp -m tcp --dport 8080 -j ACCEPT`,
  ]),
]
const echoes = '-p icmp -m icmp --icmp-type 8'

/** The generation in force, whether it holds edits, and how chains in functions are called in it. */
function inForce({ settings }: Installation) {
  const generation = readGenerationWord(settings) ?? 0
  const edited = existsSync(join(settings.stateDirectory, `generations/${generation}.edits`))
  const [lane] = readIndex(settings, generation)?.lanes ?? []
  return { generation, edited, entries: lane?.code?.entries ?? new Map() }
}

/** Whether an edit kept the functions of chains: what is made of all rules begins without edits. */
function keeps(installation: Installation, words: string): boolean {
  succeed(installation.run('iptables', words.split(' ')))
  return inForce(installation).edited
}

kernelTest(
  'functions of chains go on where base chains, lists of chains and chains themselves are edited',
  t =>
    withChains(chains, rules, installation => {
      const before = inForce(installation)
      t.true(before.entries.size >= PODS)
      const edits: readonly (readonly [words: string, answered: number])[] = [
        ['-A INPUT -s 198.51.100.1 -j DROP', 2],
        [`-A policy-${OWN} ${echoes} -j DROP`, 0],
        [`-I pod-${OWN} 1 -s 192.0.2.0/24 -j ACCEPT`, 2],
        [`-D pod-${OWN} 1`, 0],
        [`-I pods 1 -d 192.0.2.1 -p icmp -j ACCEPT`, 2],
        ['-D pods 1', 0],
        // a first jump to a chain that nobody called, and a second one to the chain of a pod
        [`-I INPUT 1 ${echoes} -j spare`, 0],
        [`-A spare -j ACCEPT`, 2],
        [`-R spare 1 -j policy-${OWN}`, 0],
        [`-D policy-${OWN} ${echoes} -j DROP`, 2],
        [`-R spare 1 -g policy-${OWN + 1}`, 2],
        [`-A policy-${OWN + 1} ${echoes} -j DROP`, 0],
        ['-D INPUT 1', 2],
        [`-D pods -d 192.0.2.1/32 -j pod-${OWN}`, 2],
        [`-A pods -d 192.0.2.1/32 -j policy-${OWN + 1}`, 0],
        // a field that no rule asked for
        ['-I INPUT 1 -m ttl --ttl-gt 200 -j DROP', 0],
        ['-I INPUT 1 -m ttl --ttl-lt 65 -j ACCEPT', 2],
      ]
      for (const [words, answered] of edits) {
        t.true(keeps(installation, words), words)
        t.is(ping(installation, 2), answered, words)
      }
      t.is(saved(installation).match(/^-A pod-/gm)?.length, 2 * PODS)
    }),
)

kernelTest('chains that have not changed keep how they are called, and go on counting where they did', t =>
  withChains(chains, [...rules, `-A policy-${OWN} ${echoes}`], installation => {
    const { entries } = inForce(installation)
    t.is(ping(installation, 2), 2)
    t.true(keeps(installation, '-I INPUT 1 -s 198.51.100.1 -j DROP'))
    t.true(keeps(installation, '-A policy-1 -s 198.51.100.1 -j DROP'))
    t.is(ping(installation, 3), 3)
    const after = inForce(installation).entries
    t.deepEqual(after.get(`policy-${OWN}`), entries.get(`policy-${OWN}`))
    t.false(after.has('policy-1') && after.get('policy-1')?.function === entries.get('policy-1')?.function)
    t.regex(saved(installation, '-c'), new RegExp(`^\\[5:\\d+\\] -A policy-${OWN} -p icmp`, 'm'))
    t.regex(
      saved(installation, '-c'),
      new RegExp(`^\\[5:\\d+\\] -A pods -d 192.0.2.1/32 -j pod-${OWN}$`, 'm'),
    )
  }),
)

kernelTest(
  'edits in more chains, one after the other, than a program has look-ups keep the list that calls them',
  t =>
    withChains(chains, rules, installation => {
      const edited = each.filter(pod => pod % 12 === OWN)
      t.true(edited.length > 16)
      for (const pod of edited) {
        t.true(keeps(installation, `-A policy-${pod} ${echoes} -j DROP`), `${pod}`)
        t.is(ping(installation, 2), 0)
      }
      t.true(keeps(installation, `-D policy-${OWN} ${echoes} -j DROP`))
      t.is(ping(installation, 2), 2)
    }),
)

kernelTest('where rules that stand in for a list of chains are edited, others do', t =>
  withChains(chains, rules, installation => {
    const edits: readonly (readonly [words: string, answered: number])[] = [
      [`-A policy-${OWN} ${echoes} -j DROP`, 0],
      // the first of the list, which stands in for it
      ['-D pods 1', 0],
      [`-D policy-${OWN} ${echoes} -j DROP`, 2],
      ['-A pod-1 -s 198.51.100.1 -j DROP', 2],
      ['-I pods 1 -d 10.0.0.0/32 -j pod-0', 2],
      [`-A pod-${OWN} ${echoes} -j DROP`, 0],
      ['-A policy-0 -s 198.51.100.1 -j DROP', 0],
      ['-R pods 2 -d 192.0.2.1/32 -j pod-1', 0],
      [`-A policy-1 ${echoes} -j DROP`, 0],
      [`-D pods -d 192.0.2.1/32 -j pod-${OWN}`, 0],
      ['-F pod-1', 2],
    ]
    for (const [words, answered] of edits) {
      const isKept = keeps(installation, words)
      if (!words.startsWith('-F')) t.true(isKept, words)
      t.is(ping(installation, 2), answered, words)
    }
  }),
)

kernelTest(
  'a list calls the functions that it called, whichever of them its rules that have not changed call first',
  t => {
    const odd = each.filter(pod => pod % 2 === 1)
    const shared = each
      .slice(0, 12)
      .map(pod => `-A shared -s 198.51.100.${pod}/32 -p tcp -m tcp --dport ${pod + 1} -j DROP`)
    const calling = odd.map(pod => `-A pod-${pod} -p tcp -j shared`)
    return withChains(
      [...chains, 'shared'],
      [...rules, ...calling, ...shared, `-A pod-${OWN} ${echoes} -j DROP`],
      installation => {
        t.true(new Set([...inForce(installation).entries].map(([, { function: name }]) => name)).size > 1)
        t.is(ping(installation, 2), 0)
        t.true(keeps(installation, '-A policy-0 -s 198.51.100.1 -j DROP'))
        t.is(ping(installation, 2), 0)
        t.regex(saved(installation, '-c'), new RegExp(`^\\[4:\\d+\\] -A pod-${OWN} -p icmp`, 'm'))
      },
    )
  },
)

kernelTest('an edit makes all anew where many chains lead to the one that is edited', t =>
  withChains(
    [...chains, 'shared'],
    [...rules, ...each.map(pod => `-A policy-${pod} -j shared`)],
    installation => {
      t.false(keeps(installation, `-A shared ${echoes} -j DROP`))
      t.is(ping(installation, 2), 0)
      t.true(keeps(installation, '-A INPUT -s 198.51.100.1 -j DROP'))
      t.is(ping(installation, 2), 0)
    },
  ),
)

kernelTest('a jump that leads back, or to no chain, is refused, and all stays as it is', t =>
  withChains(chains, rules, installation => {
    t.true(keeps(installation, '-A INPUT -s 198.51.100.1 -j DROP'))
    const { generation } = inForce(installation)
    for (const words of [
      '-A policy-3 -j pods',
      '-A policy-3 -j pod-3',
      '-A policy-3 -j policy-3',
      '-A policy-3 -j INPUT',
      '-A policy-3 -j nowhere',
    ])
      t.not(installation.run('iptables', words.split(' ')).code, 0, words)
    t.is(inForce(installation).generation, generation)
    t.is(ping(installation, 2), 2)
  }),
)
