// Control groups of the sockets that packets are from and for: processes in three groups talk, with the kernel's rules and ours looking at the same
// packets.

import { mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { KernelError } from '../../src/kernel/error.ts'
import { insideNamespace } from '../../src/kernel/sys/namespace.ts'
import { bareHost } from './harness/bare-host.ts'
import { ip } from './harness/command.ts'
import { linesOf } from './harness/compare.ts'
import { direct } from './harness/direct.ts'
import { legacy } from './harness/firewall.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const name = `bpftables-${process.pid}-cgroup`

const host = bareHost(name)

const mounted = (): string | undefined => / (\S+) cgroup2 /.exec(readFileSync('/proc/mounts', 'utf8'))?.[1]

/** A refused connection to the peer comes back to the socket that asked for it: on the way in that is known only of packets from outside. */
const setUp = (): void => {
  ip([`netns add ${name}-peer`])
  host.inside(() =>
    ip([
      'link set dev lo up',
      `link add name v0 type veth peer name v1 netns ${name}-peer`,
      'link set dev v0 up',
      'addr add 192.0.2.1/24 dev v0',
    ]),
  )
  insideNamespace(`${host.path}-peer`, 'net', () =>
    ip(['link set dev v1 up', 'addr add 192.0.2.2/24 dev v1']),
  )
}

/** One inside the other, and one beside them whose name begins alike. */
const groups = [name, `${name}/inner`, `${name}/inner/most`, `${name}-other`]

const conversation = `
  const { createServer, connect } = require('node:net')
  const server = createServer(socket => socket.end('hello')).listen(7777, '127.0.0.1', () =>
    connect(7777, '127.0.0.1').resume().on('close', () => server.close()))`

const paths = [...groups, `/${name}/inner`, '/']
const questions = [
  ...paths.flatMap(path => [`--path ${path}`, `! --path ${path}`]),
  ...['0', '1048577'].flatMap(classId => [`--cgroup ${classId}`, `! --cgroup ${classId}`]),
]

const rules = [
  '*filter',
  ...['INPUT', 'OUTPUT'].flatMap(chain =>
    questions.flatMap(question => [
      `-A ${chain} -m cgroup ${question}`,
      `-A ${chain} -p tcp -m tcp --dport 7777 -m cgroup ${question}`,
    ]),
  ),
  'COMMIT',
  '',
].join('\n')

kernelTest('packets belong to the control groups that iptables-legacy says they belong to', async t => {
  const root = mounted()
  if (root === undefined) return t.fail('cgroup v2 is not mounted')
  const ours = direct('netfilter')
  for (const group of groups) mkdirSync(join(root, group))
  ip([`netns add ${name}`])
  try {
    setUp()
    await legacy.load(host, rules)
    await ours.load(host, rules)
    for (const group of groups) {
      const script = `echo $$ > ${join(root, group)}/cgroup.procs; echo > /dev/udp/127.0.0.1/9; : 2>/dev/null > /dev/tcp/192.0.2.2/7; exec "$0" -e "$1"`
      host.run('bash', ['-c', script, process.execPath, conversation])
    }
    const expected = linesOf(await legacy.read(host))
    for (const chain of ['INPUT', 'OUTPUT']) {
      const met = expected.filter(line => line.includes(` ${chain} -m cgroup`) && !line.startsWith('[0:0]'))
      t.true(met.length > 10, expected.join('\n'))
    }
    t.deepEqual(linesOf(await ours.read(host)), expected)
  } finally {
    await ours.unload?.(host)
    await legacy.unload?.(host)
    host.close()
    ip([`netns del ${name}-peer`])
    for (const group of groups.toReversed()) rmdirSync(join(root, group))
  }
})

kernelTest('a rule for a group that is not there is refused', async t => {
  ip([`netns add ${name}`])
  try {
    const load = async (): Promise<void> =>
      direct('netfilter').load(host, `*filter\n-A OUTPUT -m cgroup --path ${name}-missing\nCOMMIT\n`)
    const error = await t.throwsAsync(load, { instanceOf: KernelError })
    t.is(error.code, 'ERR_CGROUP')
    t.true(error.message.includes(`${name}-missing`))
  } finally {
    host.close()
  }
})
