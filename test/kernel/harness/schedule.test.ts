import test from 'ava'
import type { Path, Probe } from './probe.ts'
import { schedule } from './schedule.ts'

const probe = (name: string, path: Path, flow?: string): Probe => ({
  name,
  packet: [{ kind: 'ether' }, { kind: 'ip' }, { kind: 'udp' }],
  path,
  ...(flow === undefined ? {} : { flow }),
})

const input = (device: string): Path => ({ hook: 'INPUT', device })
const forward = (device: string, out: string): Path => ({ hook: 'FORWARD', device, out })
const output = (device: string): Path => ({ hook: 'OUTPUT', device })

const names = (probes: readonly Probe[]): readonly (readonly string[])[] =>
  schedule(probes).map(phase => phase.probes.map(({ name }) => name))

test('a device has one course in a phase, and other devices and OUTPUT fit beside it', t => {
  const probes = [
    probe('a', input('eth0')),
    probe('b', forward('eth0', 'eth1')),
    probe('c', output('eth0')),
    probe('d', forward('eth1', 'eth0')),
    probe('e', input('eth0')),
    probe('f', forward('eth0', 'eth2')),
    probe('g', input('lo')),
  ]
  t.deepEqual(names(probes), [['a', 'c', 'd', 'e', 'g'], ['b'], ['f']])
  t.deepEqual(
    schedule(probes)[0]?.courses,
    new Map([
      ['eth0', { kind: 'local' }],
      ['eth1', { kind: 'out', device: 'eth0' }],
    ]),
  )
})

test('a flow keeps its order where that takes it back to an earlier course', t => {
  t.deepEqual(
    names([
      probe('a', input('eth0'), 'x'),
      probe('b', forward('eth0', 'eth1'), 'x'),
      probe('c', input('eth0'), 'x'),
      probe('d', output('eth0'), 'x'),
      probe('e', input('eth0'), 'y'),
    ]),
    [['a', 'e'], ['b'], ['c', 'd']],
  )
})
