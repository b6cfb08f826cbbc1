// More rules than a look-up has room for: a new generation makes room.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openHost } from '../harness/host.ts'
import { topologyOf } from '../harness/topology.ts'
import { kernelTest } from '../needs-kernel.ts'
import { install } from './installed.ts'

const words = (value: number): string[] => ['-s', `203.0.${value >> 8}.${value & 255}/32`, '-j', 'DROP']

const FIRST = 100
const MORE = 100

kernelTest('a look-up that is full is made anew with more room', async t => {
  const host = openHost(topologyOf(4, ['eth0']))
  const installed = install(host, 'netfilter')
  try {
    const file = join(installed.settings.runDirectory, '..', 'rules')
    const lines = Array.from({ length: FIRST }, (_, value) => `-A INPUT ${words(value).join(' ')}`)
    writeFileSync(file, ['*filter', ...lines, 'COMMIT\n'].join('\n'))
    const { generation: first = 0 } = await installed.ask({ command: 'restore', family: 4, words: [file] })
    let last: number | undefined
    for (let value = FIRST; value < FIRST + MORE; value++) {
      const asked = { command: 'iptables', family: 4, words: ['-A', 'INPUT', ...words(value)] } as const
      const { code, stderr, generation } = await installed.ask(asked)
      t.is(code, 0, stderr)
      last = generation
    }
    t.is(last, first + 1)
    const { stdout } = await installed.ask({ command: 'save', family: 4, words: [] })
    t.deepEqual(
      stdout.match(/^-A INPUT .*/gm),
      Array.from({ length: FIRST + MORE }, (_, value) => `-A INPUT ${words(value).join(' ')}`),
    )
  } finally {
    await installed.close()
    host.close()
  }
})
