import test from 'ava'
import { ServiceError } from '../../../src/service/error.ts'
import { readSettings } from '../../../src/service/settings.ts'

test('settings have the defaults of the contract', t => {
  t.deepEqual(readSettings({}), {
    pinDirectory: '/sys/fs/bpf/bpftables',
    stateDirectory: '/var/lib/bpftables',
    runDirectory: '/run/bpftables',
    hook: 'auto',
  })
})

test('the environment sets them', t => {
  const settings = readSettings({
    BPFTABLES_BPFFS: '/a/',
    BPFTABLES_STATE_DIR: '/b',
    BPFTABLES_RUN_DIR: '/c',
    BPFTABLES_HOOK: 'xdp',
    BPFTABLES_DEVICES: 'eth0, eth1.100,eth0',
  })
  t.deepEqual(settings, {
    pinDirectory: '/a',
    stateDirectory: '/b',
    runDirectory: '/c',
    hook: 'xdp',
    devices: ['eth0', 'eth1.100'],
  })
})

const wrong: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'BPFTABLES_BPFFS is "bpf", which is not an absolute path': { BPFTABLES_BPFFS: 'bpf' },
  'BPFTABLES_STATE_DIR is "", which is not an absolute path': { BPFTABLES_STATE_DIR: '' },
  'BPFTABLES_HOOK is "XDP", which is no hook': { BPFTABLES_HOOK: 'XDP' },
  'BPFTABLES_DEVICES is "eth0,", in which "" is no device name': { BPFTABLES_DEVICES: 'eth0,' },
  'BPFTABLES_DEVICES is "a/b", in which "a/b" is no device name': { BPFTABLES_DEVICES: 'a/b' },
  'BPFTABLES_DEVICES is "sixteen-letters-", in which "sixteen-letters-" is no device name': {
    BPFTABLES_DEVICES: 'sixteen-letters-',
  },
}

for (const [message, environment] of Object.entries(wrong))
  test(`a setting is refused: ${message}`, t => {
    const error = t.throws(() => readSettings(environment), { instanceOf: ServiceError, message })
    t.is(error?.code, 'ERR_SETTING')
  })
