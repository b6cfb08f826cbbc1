// The benchmark measures what it says, and the demo shows what it claims, leaving nothing behind.

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { bpftables, headers } from '../../bench/contender/bpftables.ts'
import { nothing } from '../../bench/contender/nothing.ts'
import { measureLoading } from '../../bench/loading.ts'
import { measure } from '../../bench/measure.ts'
import { fiveTuple } from '../../bench/series/five-tuple.ts'
import { kernelTest } from './needs-kernel.ts'

kernelTest('every contender is measured with every kind of packet', t => {
  const contenders = [nothing, headers, ...(['xdp', 'tc', 'netfilter'] as const).map(hook => bpftables(hook))]
  const measurements = measure(fiveTuple(4).make(20, 1), contenders, { turns: 1 })
  t.deepEqual(
    measurements.map(({ contender }) => contender),
    contenders.map(({ name }) => name),
  )
  for (const { contender, unfit, costs, size } of measurements) {
    t.is(unfit, undefined, contender)
    t.deepEqual(
      costs.map(({ kind }) => kind),
      ['last', 'spread', 'random'],
    )
    for (const { path } of costs) t.true(path.median > 0 && path.p99 >= path.median, contender)
    t.is(size !== undefined, contender !== nothing.name)
  }
})

kernelTest('a contender that counts otherwise is found out', t => {
  const lying = {
    ...nothing,
    name: 'lying',
    load: () => ({ milliseconds: 0, counted: () => 1n, close: () => {} }),
  }
  t.throws(() => measure(fiveTuple(4).make(5, 1), [bpftables('netfilter'), lying], { turns: 1 }), {
    message: /^lying counted 1 packets/,
  })
})

kernelTest('whole commands are timed, with the memory they held', t => {
  const loading = measureLoading(fiveTuple(4).make(5, 1))
  const [node, own] = loading
  t.deepEqual([node?.command, own?.command], ['node -e 0', 'bpftables apply'])
  t.true((own?.milliseconds ?? 0) > 0)
  if (own?.kibibytes !== undefined) t.true(own.kibibytes > (node?.kibibytes ?? 0))
})

kernelTest('a command that refuses the rules is left out', t => {
  const loading = measureLoading({ ...fiveTuple(4).make(5, 1), text: 'no rules' })
  t.false(loading.some(({ command }) => command === 'bpftables apply'))
})

const demo = fileURLToPath(new URL('../../bench/demo.js', import.meta.url))

/** What a demo could leave behind that others do not make and take away meanwhile. */
const traces = () => ({
  mounts: readFileSync('/proc/self/mountinfo', 'utf8').match(/bpftables-demo/g),
  files: readdirSync(tmpdir()).filter(name => name.startsWith('bpftables-demo')),
})

kernelTest('the demo finds everything right and leaves nothing behind', t => {
  const before = traces()
  const { status, stdout, stderr } = spawnSync(process.execPath, [demo], { encoding: 'utf8' })
  t.is(status, 0, stderr + stdout)
  t.false(stdout.includes('✘') || stdout.includes('\x1b'))
  t.regex(stdout, /✔ 0 of [\d,]+ forbidden packets were let through/)
  t.deepEqual(traces(), before)
})
