// Ports of a bridge that packets came in and go out by: a bridge with two ports and a way out beside it, where the kernel's own rules and ours
// see the same packets, bridged, delivered, routed and sent.

import { insideNamespace } from '../../src/kernel/sys/namespace.ts'
import { bareHost } from './harness/bare-host.ts'
import { ip, run } from './harness/command.ts'
import { linesOf } from './harness/compare.ts'
import { direct } from './harness/direct.ts'
import { legacy } from './harness/firewall.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const name = `bpftables-${process.pid}-bridge`
const ends = ['a', 'b', 'c'] as const

/** a and b are ports of the bridge, c is not. */
const hostBatch = [
  'link set dev lo up',
  'link add name br0 type bridge',
  ...ends.map(end => `link add name ${end}0 type veth peer name ${end}1 netns ${name}-${end}`),
  'link set dev a0 master br0',
  'link set dev b0 master br0',
  ...['br0', 'a0', 'b0', 'c0'].map(device => `link set dev ${device} up`),
  'addr add 192.0.2.1/24 dev br0',
  'addr add 198.51.100.1/24 dev c0',
]

const addresses = { a: '192.0.2.2', b: '192.0.2.3', c: '198.51.100.2' } as const

const inside = <T>(namespace: string, body: () => T): T =>
  insideNamespace(`/run/netns/${namespace}`, 'net', body)

const open = (): void => {
  ip([`netns add ${name}`, ...ends.map(end => `netns add ${name}-${end}`)])
  inside(name, () => {
    ip(hostBatch)
    run('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.bridge.bridge-nf-call-iptables=1'])
  })
  for (const end of ends)
    inside(`${name}-${end}`, () =>
      ip([
        `link set dev ${end}1 up`,
        `addr add ${addresses[end]}/24 dev ${end}1`,
        `route add default via ${end === 'c' ? '198.51.100.1' : '192.0.2.1'}`,
      ]),
    )
}

const close = (): void => ip([...ends.map(end => `netns del ${name}-${end}`), `netns del ${name}`])

const say = (from: string, to: string): void =>
  inside(from, () => {
    run('bash', ['-c', `echo > /dev/udp/${to}/9; true`])
  })

const send = (): void => {
  for (const end of ends) {
    for (const other of ends) if (other !== end) say(`${name}-${end}`, addresses[other])
    say(`${name}-${end}`, '192.0.2.1')
    say(name, addresses[end])
  }
}

const host = { ...bareHost(name), close }

const both = (options: readonly string[]): readonly string[] =>
  options.flatMap(option => [`-m physdev ${option}`, `-m physdev ! ${option}`])

const questions = [
  ...both([
    '--physdev-in a0',
    '--physdev-in b+',
    '--physdev-in c0',
    '--physdev-is-in',
    '--physdev-is-bridged',
  ]),
  '-m physdev --physdev-out a0 --physdev-is-bridged',
  '-m physdev ! --physdev-out b0 --physdev-is-bridged',
  '-m physdev --physdev-in a0 --physdev-out b+ --physdev-is-bridged',
  '-m physdev ! --physdev-in a0 ! --physdev-is-bridged',
]
/** The kernel refuses these in OUTPUT. */
const outward = [
  ...both(['--physdev-out a0', '--physdev-out b0', '--physdev-is-out']),
  '-m physdev --physdev-is-in ! --physdev-is-out',
  '-m physdev --physdev-in a0 ! --physdev-out b0',
]

const rules = [
  '*filter',
  ...['INPUT', 'FORWARD', 'OUTPUT'].flatMap(chain =>
    [...questions, ...(chain === 'OUTPUT' ? [] : outward)].flatMap(question => [
      `-A ${chain} -p udp -s 192.0.2.2/32 ${question}`,
      `-A ${chain} -p udp ${question}`,
    ]),
  ),
  'COMMIT',
  '',
].join('\n')

/** Without the policies, which count what the kernel sends of itself between one look and the other. */
const countedIn = (save: string): readonly string[] =>
  linesOf(save).filter(line => line.includes('-m physdev'))

kernelTest('packets come and go by the ports of a bridge that iptables-legacy says', async t => {
  const ours = direct('netfilter')
  open()
  try {
    await legacy.load(host, rules)
    await ours.load(host, rules)
    send()
    const expected = countedIn(await legacy.read(host))
    const met = expected.filter(line => !line.startsWith('[0:0]')).length
    t.true(met > 40, `${met} rules were met`)
    t.deepEqual(countedIn(await ours.read(host)), expected)
  } finally {
    await ours.unload?.(host)
    await legacy.unload?.(host)
    close()
  }
})
