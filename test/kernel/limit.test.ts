// Sizes that the kernel refuses: told beforehand, and where the kernel tells, the rules before stay in force.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { mapMemory } from '../../src/kernel/limit.ts'
import { closeMap, createMap } from '../../src/kernel/map.ts'
import type { MapSpec, MapType } from '../../translator/program.ts'
import { everythingIn, runIn, withInstallation } from './installation.ts'
import { kernelMissing, kernelTest } from './needs-kernel.ts'
import { prefixRules } from './prefix-rules.ts'

const specOf = (type: MapType): MapSpec => ({
  name: 'sized',
  type,
  keySize: type === 'HASH' ? 16 : type === 'LPM_TRIE' ? 8 : 4,
  valueSize: type === 'PROG_ARRAY' ? 4 : 16,
  maxEntries: 5000,
  flags: type === 'LPM_TRIE' ? 1 : 0,
  shared: false,
})

for (const type of ['HASH', 'ARRAY', 'PERCPU_ARRAY', 'PROG_ARRAY'] as const)
  kernelTest(`the memory of a map of type ${type} is what the kernel says it takes`, t => {
    const spec = specOf(type)
    const map = createMap(spec)
    const [, told = '0'] =
      /^memlock:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${map.fd}`, 'utf8')) ?? []
    closeMap(map)
    const ratio = mapMemory(spec) / Number(told)
    t.true(ratio > 0.9 && ratio < 1.1, `${mapMemory(spec)} where the kernel says ${told}`)
  })

const rules = (port: number): string =>
  `*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport ${port} -j ACCEPT\nCOMMIT\n`

const worker = fileURLToPath(new URL('limit-worker.js', import.meta.url))

kernelTest('a map that the kernel refuses leaves the rules before in force', t =>
  withInstallation(({ run, near, environment, directory, settings }) => {
    t.is(run('bpftables', ['apply', '-'], rules(22)).code, 0)
    const before = run('iptables', ['-v', '-S']).stdout
    const [pins, state] = [settings.pinDirectory, settings.stateDirectory].map(everythingIn)
    const file = join(directory, 'next')
    writeFileSync(file, rules(80))
    const { code, stdout } = runIn(near, [process.execPath, worker, file], { environment })
    t.is(code, 0)
    t.regex(stdout, /ERR_LIMIT .*(E2BIG|ENOMEM)/)
    t.is(run('iptables', ['-v', '-S']).stdout, before)
    t.deepEqual(everythingIn(settings.pinDirectory), pins)
    t.deepEqual(everythingIn(settings.stateDirectory), state)
    t.is(run('bpftables', ['apply', '-'], rules(80)).code, 0)
  }),
)

const { BPFTABLES_TEST_HARDENED: hardened } = process.env
const HARDEN = '/proc/sys/net/core/bpf_jit_harden'

// the setting is the whole machine's, and makes every load slow that other tests make meanwhile
if (hardened === '1' && kernelMissing === undefined)
  test.serial('large programs load where constants are blinded', async t => {
    const before = readFileSync(HARDEN, 'utf8')
    writeFileSync(HARDEN, '2')
    try {
      await withInstallation(({ run }) => {
        const { code, stderr } = run(
          'bpftables',
          ['apply', '-'],
          `*filter\n:INPUT DROP [0:0]\n${prefixRules(1500)}COMMIT\n`,
        )
        t.is(code, 0, stderr)
      })
    } finally {
      writeFileSync(HARDEN, before)
    }
  })
else
  test.serial.skip(
    'large programs load where constants are blinded (skipped: BPFTABLES_TEST_HARDENED=1 allows it)',
    () => {},
  )
