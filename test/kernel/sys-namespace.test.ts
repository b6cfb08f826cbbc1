import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { insideNetworkNamespace } from '../../src/kernel/netns.ts'
import { interfaceIndex } from '../../src/kernel/sys/interface.ts'
import { allThreadsInNamespace, namespaceIdentity } from '../../src/kernel/sys/namespace.ts'
import { kernelTest } from './needs-kernel.ts'
import { inNamespace, withScratch } from './scratch.ts'

const own = (): string => namespaceIdentity('net', 'thread-self')

kernelTest('one is inside another namespace for the time of a call, also one that throws', t =>
  withScratch(({ near }) => {
    const home = own()
    t.not(inNamespace(near, own), home)
    t.is(own(), home)
    const fail = (): never => {
      throw new RangeError(own())
    }
    t.not(t.throws(() => inNamespace(near, fail), { instanceOf: RangeError })?.message, home)
    t.is(own(), home)
    t.is(interfaceIndex('inside'), undefined)
  }),
)

kernelTest('a thread that is elsewhere than those that calls are made in later is told', t =>
  withScratch(({ near }) => {
    t.true(allThreadsInNamespace('net'))
    t.false(inNamespace(near, () => allThreadsInNamespace('net')))
    t.true(allThreadsInNamespace('net'))
  }),
)

kernelTest('a namespace that is not there is named', t => {
  const home = own()
  t.throws(() => insideNetworkNamespace('/run/netns/bpft-none', own), {
    message: /open namespace \/run\/netns\/bpft-none/,
  })
  t.is(own(), home)
})

kernelTest('a thread gets namespaces of its own, and only it', async t => {
  const home = own()
  const [answer] = await once(new Worker(new URL('./unshare-worker.js', import.meta.url)), 'message')
  t.deepEqual(answer, { net: true, mnt: true })
  t.is(own(), home)
})
