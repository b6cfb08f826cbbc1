// Edits in and beside rules that trees in maps hold: programs are made anew, the trees are not.

import { readIndex } from '../../../src/service/incremental/index-file.ts'
import { readGenerationWord } from '../../../src/service/live.ts'
import { swapSteps } from '../../../src/service/swap.ts'
import { treesKept } from '../../../translator/edit/kept.ts'
import { seeded } from '../harness/random.ts'
import type { Installation } from '../installation.ts'
import { kernelTest } from '../needs-kernel.ts'
import { insertKilled, ping, pings, saved, succeed, withRules } from './around.ts'

const LENGTH = 1000

/** Prefixes and port ranges that no rule has in common with the far end's echo requests. */
const random = seeded(1)
const rules = Array.from({ length: LENGTH }, (_, value) => {
  const [from, to] = [1000 + random.below(500), 1600 + random.below(500)]
  const source = `198.51.${100 + (value >> 6)}.${(4 * value) & 255}/${30 + random.below(2)}`
  return `-s ${source} -d 203.0.113.${random.below(256)}/32 -p tcp -m tcp --dport ${from}:${to} -j ${random.pick(['DROP', 'ACCEPT'])}`
})

/** Ids of the maps of trees in force that hold at least so many rules of a chain. */
function treeMaps({ settings }: Installation): readonly (number | undefined)[] {
  const lanes = readIndex(settings, readGenerationWord(settings) ?? 0)?.lanes ?? []
  return lanes.flatMap(({ stretches, maps }) =>
    [...stretches.values()]
      .flat()
      .filter(({ first, last }) => last - first > LENGTH / 2)
      .flatMap(({ blocks }) => treesKept(blocks).map(({ map }) => maps.get(map))),
  )
}

const ruleLines = (text: string): string[] => text.split('\n').filter(line => line.startsWith('-A'))

kernelTest('trees go on through edits beside them and among their rules', t =>
  withRules(rules, installation => {
    const { run } = installation
    const before = treeMaps(installation)
    t.true(before.length > 0)
    t.is(ping(installation, 2), 2)
    const model = rules.map(rule => `-A INPUT ${rule}`)
    const edits: readonly (readonly [
      words: string,
      answered: number,
      at: number,
      gone: number,
      put?: string,
    ])[] = [
      [`-I INPUT 500 ${pings}`, 0, 499, 0, pings],
      ['-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT', 0, LENGTH + 1, 0, '-p tcp -m tcp --dport 22 -j ACCEPT'],
      ['-I INPUT 400 -s 192.0.2.0/24 -j ACCEPT', 2, 399, 0, '-s 192.0.2.0/24 -j ACCEPT'],
      ['-D INPUT 400', 0, 399, 1],
      ['-R INPUT 500 -s 192.0.2.0/24 -j ACCEPT', 2, 499, 1, '-s 192.0.2.0/24 -j ACCEPT'],
      [`-A INPUT ${pings}`, 2, LENGTH + 2, 0, pings],
      ['-D INPUT 500', 0, 499, 1],
      [`-D INPUT ${pings}`, 2, LENGTH + 1, 1],
      ['-I INPUT 1 -i lo -j ACCEPT', 2, 0, 0, '-i lo -j ACCEPT'],
      ['-D INPUT 2', 2, 1, 1],
    ]
    for (const [words, answered, at, gone, put] of edits) {
      succeed(run('iptables', words.split(' ')))
      model.splice(at, gone, ...(put === undefined ? [] : [`-A INPUT ${put}`]))
      t.is(ping(installation, 2), answered, words)
      t.deepEqual(treeMaps(installation), before, words)
    }
    t.deepEqual(ruleLines(saved(installation)), model)
  }),
)

kernelTest('trees go on whose rules count elsewhere than all others, as behind a reload', t =>
  withRules(rules, installation => {
    const { run } = installation
    succeed(run('iptables-restore', [], saved(installation)))
    const before = treeMaps(installation)
    t.true(before.length > 0)
    for (const words of ['-I INPUT 1 -i lo -j ACCEPT', '-D INPUT 1', '-A INPUT -i lo', '-D INPUT -i lo']) {
      succeed(run('iptables', words.split(' ')))
      t.deepEqual(treeMaps(installation), before, words)
    }
    succeed(run('iptables', ['-A', 'INPUT', ...pings.split(' ')]))
    t.is(ping(installation, 2), 0)
  }),
)

kernelTest('rules edited so are reported as those that are loaded from their text', t =>
  withRules(rules, installation => {
    const { run } = installation
    succeed(run('iptables', ['-I', 'INPUT', '300', ...pings.split(' ')]))
    succeed(run('iptables', ['-D', 'INPUT', '700']))
    t.is(ping(installation, 3), 0)
    const told = (): unknown[] => [
      saved(installation, '-c').replace(/^#.*$/gm, ''),
      succeed(run('iptables', ['-L', 'INPUT', '-v', '-x', '-n', '--line-numbers'])),
      JSON.parse(succeed(run('bpftables', ['stats', '--json']))),
    ]
    const edited = told()
    t.regex(String(edited[0]), /^\[3:\d+\] -A INPUT -d 192\.0\.2\.1\/32 -p icmp/m)
    const maps = treeMaps(installation)
    succeed(run('iptables-restore', ['-c'], saved(installation, '-c')))
    t.notDeepEqual(treeMaps(installation), maps)
    t.deepEqual(told(), edited)
    t.is(ping(installation, 2), 0)
  }),
)

for (const step of swapSteps)
  kernelTest(
    `an edit among the rules of trees killed before the step "${step}" leaves rules and kernel agreeing`,
    t =>
      withRules(rules, installation => {
        const { run } = installation
        if (insertKilled(t, installation, step, 500)) succeed(run('iptables', ['-D', 'INPUT', '500']))
        succeed(run('iptables', ['-D', 'INPUT', '600']))
        t.is(ping(installation, 2), 2)
        t.is(ruleLines(saved(installation)).length, LENGTH - 1)
      }),
  )
