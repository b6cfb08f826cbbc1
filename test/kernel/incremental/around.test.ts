// Edits beside a long look-up: programs are made anew, and the look-up's map goes on in them.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { readIndex } from '../../../src/service/incremental/index-file.ts'
import { readGenerationWord } from '../../../src/service/live.ts'
import { swapSteps } from '../../../src/service/swap.ts'
import type { Installation } from '../installation.ts'
import { kernelTest } from '../needs-kernel.ts'
import {
  type AnsweredEdits,
  editOneByOne,
  insertKilled,
  ping,
  pings,
  saved,
  succeed,
  withRules,
} from './around.ts'

const LISTED = 600

const rules = Array.from(
  { length: LISTED },
  (_, value) => `-s 198.51.${100 + (value >> 8)}.${value & 255}/32 -j DROP`,
)

/** The generation in force, whether it holds edits, and the maps of its look-ups that hold more than a few rules. */
function inForce({ settings }: Installation) {
  const generation = readGenerationWord(settings) ?? 0
  const lanes = readIndex(settings, generation)?.lanes ?? []
  const maps = lanes.flatMap(({ chains, maps }) =>
    [...chains.values()]
      .flat()
      .flatMap(block => (block.last - block.first > 100 ? block.maps.map(({ name }) => maps.get(name)) : [])),
  )
  const edited = existsSync(join(settings.stateDirectory, `generations/${generation}.edits`))
  return { generation, edited, maps }
}

/** Each makes a generation in which the look-ups have the maps they had. */
function editAround(t: ExecutionContext, installation: Installation, edits: AnsweredEdits): void {
  const { generation, maps } = inForce(installation)
  let made = 0
  editOneByOne(t, installation, edits, words => {
    const after = inForce(installation)
    t.is(after.generation, generation + ++made, words)
    t.deepEqual(after.maps, maps, words)
  })
}

kernelTest('a rule beside a long look-up is loaded without it, and the next ones too', t =>
  withRules(rules, installation => {
    const { maps } = inForce(installation)
    t.true(maps.length > 0)
    t.is(ping(installation, 2), 2)
    const edits: AnsweredEdits = [
      [`-I INPUT 1 ${pings}`, 0],
      ['-I INPUT 1 -i lo -j ACCEPT', 0],
      ['-A INPUT -p tcp -m tcp --dport 22 -m state --state NEW -j ACCEPT', 0],
      ['-A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT', 0],
      ['-R INPUT 1 -i lo -j ACCEPT -m comment --comment here', 0],
      ['-I INPUT 1 -s 192.0.2.0/24 -p icmp -j ACCEPT', 2],
      ['-D INPUT 1', 0],
      [`-D INPUT ${pings}`, 2],
    ]
    editOneByOne(t, installation, edits)
    t.true(inForce(installation).edited)
    t.deepEqual(
      saved(installation)
        .split('\n')
        .filter(line => line.startsWith('-A') && !line.includes('-s 198.51.')),
      [
        '-A INPUT -i lo -m comment --comment here -j ACCEPT',
        '-A INPUT -p tcp -m tcp --dport 22 -m state --state NEW -j ACCEPT',
        '-A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT',
      ],
    )
  }),
)

const counting = '-s 192.0.2.2/32'
const anyPing = '-p icmp -m icmp --icmp-type 8 -j DROP'

kernelTest('a rule is put between those of a look-up, behind one that only counts', t =>
  withRules(rules, installation => {
    const edits: AnsweredEdits = [
      // what stands in for the look-up from now on
      ['-I INPUT 1 -i lo -j ACCEPT', 2],
      // a map update, of which that knows nothing
      [`-I INPUT 300 ${counting}`, 2],
      [`-I INPUT 400 ${anyPing}`, 0],
    ]
    editOneByOne(t, installation, edits)
    t.deepEqual(
      saved(installation, '-c')
        .split('\n')
        .filter(line => line.startsWith('[') && !line.includes('-s 198.51.')),
      ['[0:0] -A INPUT -i lo -j ACCEPT', `[4:112] -A INPUT ${counting}`, `[2:56] -A INPUT ${anyPing}`],
    )
  }),
)

kernelTest('a rule that only counts is known of where the first of its kind is met by no packet', t => {
  const [first = ''] = rules
  const uncounted = first.replace(' -j DROP', '')
  return withRules([...rules.slice(0, 300), uncounted, counting, ...rules.slice(300)], installation => {
    t.is(ping(installation, 2), 2)
    editOneByOne(t, installation, [[`-I INPUT 400 ${anyPing}`, 0]])
  })
})

kernelTest('the map of the look-up stays the same, and takes what is put into it', t =>
  withRules(rules, installation => {
    const { run } = installation
    const before = inForce(installation)
    succeed(run('iptables', ['-I', 'INPUT', '1', ...pings.split(' ')]))
    const after = inForce(installation)
    t.is(after.generation, before.generation + 1)
    t.deepEqual(after.maps, before.maps)
    t.is(ping(installation, 3), 0)
    t.regex(saved(installation, '-c'), /^\[3:\d+\] -A INPUT -d 192\.0\.2\.1\/32 -p icmp/m)

    succeed(run('iptables', ['-D', 'INPUT', '1']))
    succeed(run('iptables', ['-A', 'INPUT', '-s', '192.0.2.2', '-j', 'DROP']))
    t.is(inForce(installation).generation, after.generation)
    t.is(ping(installation, 2), 0)
    t.regex(
      succeed(run('iptables', ['-L', 'INPUT', `${LISTED + 1}`, '-v', '-x', '-n'])),
      /^ +2 +.*192\.0\.2\.2/,
    )
    succeed(run('iptables', ['-D', 'INPUT', '-s', '192.0.2.2', '-j', 'DROP']))
    t.is(ping(installation, 2), 2)
    t.is(saved(installation).match(/^-A INPUT/gm)?.length, LISTED)
  }),
)

kernelTest(
  'rules put in among those of a long look-up, and its own rules where they meet these, leave it as it is',
  t =>
    withRules([...rules.slice(0, 300), '-s 192.0.2.2/32 -j DROP', ...rules.slice(300)], installation => {
      const { run } = installation
      const { maps } = inForce(installation)
      t.true(maps.length > 0)
      t.is(ping(installation, 2), 0)
      const edits: AnsweredEdits = [
        ['-I INPUT 200 -s 192.0.2.0/24 -p icmp -j ACCEPT', 2],
        ['-D INPUT -s 192.0.2.2/32 -j DROP', 2],
        ['-I INPUT 250 -s 192.0.2.2/32 -j DROP', 2],
        ['-D INPUT 200', 0],
        ['-I INPUT 150 -s 192.0.2.2/32', 0],
        ['-R INPUT 250 -s 192.0.2.0/25 -p udp -j DROP', 2],
      ]
      editAround(t, installation, edits)
      t.regex(saved(installation, '-c'), /^\[4:\d+\] -A INPUT -s 192\.0\.2\.2\/32$/m)
      const { generation } = inForce(installation)
      succeed(run('iptables', ['-I', 'INPUT', '200', '-s', '198.18.0.1', '-j', 'DROP']))
      succeed(run('iptables', ['-D', 'INPUT', '100']))
      t.is(inForce(installation).generation, generation)
      t.is(saved(installation).match(/^-A INPUT/gm)?.length, LISTED + 2)
    }),
)

kernelTest('rules that ask for no address go between those of a long look-up, and leave it as it is', t =>
  withRules([...rules.slice(0, 300), '-s 192.0.2.2/32 -j DROP', ...rules.slice(300)], installation => {
    t.is(ping(installation, 2), 0)
    const edits: AnsweredEdits = [
      ['-I INPUT 400 -p icmp -j ACCEPT', 0],
      ['-I INPUT 200 -p icmp', 0],
      ['-I INPUT 200', 0],
      ['-I INPUT 250 -i lo -j RETURN', 0],
      ['-I INPUT 100 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT', 2],
      ['-I INPUT 50 -p icmp -j DROP', 0],
      ['-D INPUT 50', 2],
      ['-D INPUT 100', 0],
      ['-D INPUT -p icmp', 0],
      ['-R INPUT 200 -p icmp -j RETURN', 2],
      ['-D INPUT -s 192.0.2.2/32 -j DROP', 2],
      ['-D INPUT -p icmp -j RETURN', 2],
      ['-I INPUT 450 -s 192.0.2.2/32 -j DROP', 2],
      ['-D INPUT -p icmp -j ACCEPT', 0],
      ['-D INPUT -i lo -j RETURN', 0],
    ]
    editAround(t, installation, edits)
    t.is(saved(installation).match(/^-A INPUT/gm)?.length, LISTED + 1)
  }),
)

kernelTest(
  'where rules of a long look-up only count, what asks for no address is loaded with all of them',
  t =>
    withRules([...rules.slice(0, 300), '-s 192.0.2.2/32', ...rules.slice(300)], installation => {
      const { run } = installation
      const { maps } = inForce(installation)
      t.is(ping(installation, 2), 2)
      succeed(run('iptables', ['-I', 'INPUT', '400', '-p', 'icmp', '-j', 'DROP']))
      t.is(ping(installation, 2), 0)
      t.notDeepEqual(inForce(installation).maps, maps)
      t.regex(saved(installation, '-c'), /^\[4:\d+\] -A INPUT -s 192\.0\.2\.2\/32$/m)
      t.regex(saved(installation, '-c'), /^\[2:\d+\] -A INPUT -p icmp -j DROP$/m)
    }),
)

kernelTest('a look-up that no packet comes to any more is made again once packets do', t =>
  withRules(rules, installation => {
    const edits: AnsweredEdits = [
      ['-I INPUT 1 -j DROP', 0],
      ['-I INPUT 2 -p icmp -j ACCEPT', 0],
      ['-D INPUT 1', 2],
      [`-I INPUT 1 ${pings}`, 0],
    ]
    editOneByOne(t, installation, edits)
    t.is(saved(installation).match(/^-A INPUT/gm)?.length, LISTED + 2)
  }),
)

kernelTest('two look-ups side by side go on, each as it is', t =>
  withRules([...rules.slice(0, 300), '-p icmp -j ACCEPT', ...rules.slice(300)], installation => {
    const { maps } = inForce(installation)
    t.true(maps.length >= 2)
    const edits: AnsweredEdits = [
      ['-D INPUT 301', 2],
      [`-I INPUT 1 ${pings}`, 0],
      ['-D INPUT 1', 2],
      ['-I INPUT 301 -p icmp -j DROP', 0],
      ['-I INPUT 200 -p icmp -j ACCEPT', 2],
      ['-I INPUT 500 -p icmp -m icmp --icmp-type 8 -j DROP', 2],
    ]
    editOneByOne(t, installation, edits, words => t.deepEqual(inForce(installation).maps, maps, words))
  }),
)

kernelTest('an edit of a base chain reads no rules that its program does not hold', t =>
  withRules(rules, installation => {
    const { run } = installation
    const before = inForce(installation)
    succeed(run('iptables', ['-A', 'OUTPUT', '-p', 'icmp', '-m', 'icmp', '--icmp-type', '0', '-j', 'DROP']))
    const after = inForce(installation)
    t.is(after.generation, before.generation + 1)
    t.true(after.edited)
    t.deepEqual(after.maps, before.maps)
    t.is(ping(installation, 2), 0)
    succeed(run('iptables', ['-D', 'OUTPUT', '1']))
    t.is(ping(installation, 2), 2)
    succeed(run('iptables', ['-A', 'INPUT', '-s', '192.0.2.2', '-j', 'DROP']))
    t.is(ping(installation, 2), 0)
    t.is(saved(installation).match(/^-A /gm)?.length, LISTED + 1)
  }),
)

/** Two look-ups that alternate: what one asks beside the source, the other does not. */
const alternating = rules.map((rule, index) =>
  index % 2 === 0 ? rule : rule.replace('-j DROP', '-d 192.0.2.0/24 -j ACCEPT'),
)

kernelTest(
  'look-ups that alternate go on in one place, where the order of rules for one source means something',
  t =>
    withRules(
      [...alternating.slice(0, 301), '-s 192.0.2.2/32 -j DROP', ...alternating.slice(301)],
      installation => {
        const { run } = installation
        t.is(ping(installation, 2), 0)
        const { maps } = inForce(installation)
        t.true(maps.length >= 2)
        succeed(run('iptables', ['-I', 'INPUT', '1', '-i', 'lo', '-j', 'ACCEPT']))
        t.deepEqual(inForce(installation).maps, maps)
        const accepting = '-s 192.0.2.2/32 -d 192.0.2.0/24 -j ACCEPT'
        succeed(run('iptables', ['-I', 'INPUT', '20', ...accepting.split(' ')]))
        t.is(ping(installation, 2), 2)
        succeed(run('iptables', ['-D', 'INPUT', ...accepting.split(' ')]))
        t.is(ping(installation, 2), 0)
        succeed(run('iptables', ['-A', 'INPUT', ...accepting.split(' ')]))
        t.is(ping(installation, 2), 0)
      },
    ),
)

for (const step of swapSteps)
  kernelTest(
    `an edit around a look-up killed before the step "${step}" leaves rules and kernel agreeing`,
    t =>
      withRules(rules, installation => {
        const { run } = installation
        if (insertKilled(t, installation, step, 1))
          succeed(run('iptables', ['-D', 'INPUT', ...pings.split(' ')]))
        succeed(run('iptables', ['-I', 'INPUT', '1', '-i', 'lo', '-j', 'ACCEPT']))
        t.is(ping(installation, 2), 2)
        t.is(saved(installation).match(/^-A INPUT/gm)?.length, LISTED + 1)
      }),
  )
