import { execFileSync } from 'node:child_process'
import { releaseConntrack, requireConntrack } from '../../src/kernel/conntrack.ts'
import { answeredEchoes, farToNear } from './echo.ts'
import { kernelTestNeeding } from './needs-kernel.ts'
import { inNamespace, withScratch } from './scratch.ts'

const kernelTest = kernelTestNeeding('nft', 'conntrack')

/** Not the PATH of the test run: among npm's binaries is another `nft`. */
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' }

const inside = (namespace: string, ...command: readonly string[]): string =>
  execFileSync('ip', ['netns', 'exec', namespace, ...command], {
    encoding: 'utf8',
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  })

const tracked = (namespace: string): readonly string[] =>
  inside(namespace, 'conntrack', '-L')
    .split('\n')
    .filter(line => line !== '')

const ruleset = (namespace: string): string => inside(namespace, 'nft', 'list', 'ruleset')

/** The kernel lets conntrack's hooks go a little after the rule, so this is tried a few times. */
const stopsTracking = (near: string, far: string): boolean =>
  Array.from({ length: 50 }).some(() => {
    inside(near, 'conntrack', '-F')
    return answeredEchoes(farToNear(far), 1) === 1 && tracked(near).length === 0
  })

kernelTest('connections are tracked while they are asked to be, and no longer', t =>
  withScratch(({ near, far }) => {
    t.is(answeredEchoes(farToNear(far), 1), 1)
    t.deepEqual(tracked(near), [])

    inNamespace(near, requireConntrack)
    t.is(answeredEchoes(farToNear(far), 1), 1)
    t.is(tracked(near).length, 1)
    t.regex(tracked(near)[0] ?? '', /icmp .*src=192\.0\.2\.2 dst=192\.0\.2\.1 type=8/)

    inNamespace(near, releaseConntrack)
    t.is(ruleset(near), '')
    t.true(stopsTracking(near, far))
  }),
)

kernelTest('asking again changes nothing, nor does releasing twice', t =>
  withScratch(({ near }) => {
    inNamespace(near, requireConntrack)
    const once = ruleset(near)
    inNamespace(near, requireConntrack)
    t.is(ruleset(near), once)
    t.regex(once, /table inet bpftables \{\s+chain conntrack \{\s+ct direction original\s+\}\s+\}/)
    inNamespace(near, releaseConntrack)
    inNamespace(near, releaseConntrack)
    t.is(ruleset(near), '')
  }),
)

kernelTest('what others made of our chain is set right', t =>
  withScratch(({ near }) => {
    inNamespace(near, requireConntrack)
    const once = ruleset(near)
    for (const change of [
      ['add', 'rule', 'inet', 'bpftables', 'conntrack', 'accept'],
      ['flush', 'chain', 'inet', 'bpftables', 'conntrack'],
      ['delete', 'table', 'inet', 'bpftables'],
    ]) {
      inside(near, 'nft', ...change)
      t.not(ruleset(near), once)
      inNamespace(near, requireConntrack)
      t.is(ruleset(near), once)
    }
    inside(near, 'nft', 'flush', 'chain', 'inet', 'bpftables', 'conntrack')
    inside(near, 'nft', 'add', 'rule', 'inet', 'bpftables', 'conntrack', 'accept')
    inNamespace(near, requireConntrack)
    t.is(ruleset(near), once)
  }),
)
