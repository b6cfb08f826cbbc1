// Counter arrays that are made while something else goes on.

import { readdirSync, readlinkSync } from 'node:fs'
import { readCounter } from '../../src/kernel/counter.ts'
import { closeMap } from '../../src/kernel/map.ts'
import { withCountersAhead } from '../../src/service/ahead.ts'
import { kernelTest } from './needs-kernel.ts'

const descriptors = '/proc/self/fd'

/** How many maps this process has open. */
const openMaps = (): number =>
  readdirSync(descriptors).filter(fd => {
    try {
      return readlinkSync(`${descriptors}/${fd}`).includes('bpf-map')
    } catch {
      return false
    }
  }).length

const arrays = [
  { name: 'large', entries: 8192 },
  { name: 'spare', entries: 8192 },
  { name: 'small', entries: 1024 },
]

kernelTest('what is taken is handed over once, and what is not is closed', async t => {
  const before = openMaps()
  const taken = await withCountersAhead(arrays, async made => {
    const { take } = await made
    t.is(openMaps(), before + 2)
    t.is(take('small'), undefined)
    const large = take('large')
    t.is(take('large'), undefined)
    return large
  })
  t.is(openMaps(), before + 1)
  if (!taken) return t.fail('it was not made')
  t.is(taken.spec.maxEntries, 8192)
  t.deepEqual(readCounter(taken, 8191), { packets: 0n, bytes: 0n })
  closeMap(taken)
})

kernelTest('what the kernel will not make is not there', async t => {
  const before = openMaps()
  await withCountersAhead([{ name: 'no/name', entries: 8192 }], async made => {
    const { take } = await made
    t.is(take('no/name'), undefined)
  })
  t.is(openMaps(), before)
})

kernelTest('a body that fails leaves none open', async t => {
  const before = openMaps()
  const failing = withCountersAhead(arrays, async () => {
    throw new Error('on purpose')
  })
  await t.throwsAsync(failing, { message: 'on purpose' })
  t.is(openMaps(), before)
})
