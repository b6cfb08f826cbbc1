// What only the kernel's own connections hold: the helper that expected one, and when it will be forgotten. A conversation of FTP makes the kernel expect a
// connection; its rules and ours see the same packets.

import { bareHost } from './harness/bare-host.ts'
import { ip } from './harness/command.ts'
import { linesOf } from './harness/compare.ts'
import { direct } from './harness/direct.ts'
import { legacy, lockEnvironment } from './harness/firewall.ts'
import { kernelTestNeeding } from './needs-kernel.ts'

const kernelTest = kernelTestNeeding('iptables-legacy')

const name = `bpftables-${process.pid}-helper`

const host = bareHost(name)

/** The server names a port, and the client connects to it: that connection is RELATED. */
const conversation = `
  const { createServer, connect } = require('node:net')
  const data = createServer(socket => socket.end('file')).listen(50001, '127.0.0.1')
  const control = createServer(socket => {
    socket.write('220 ready\\r\\n')
    socket.once('data', () => socket.write('227 Entering Passive Mode (127,0,0,1,195,81).\\r\\n'))
  }).listen(21, '127.0.0.1', () => {
    const client = connect(21, '127.0.0.1')
    client.on('data', text => {
      if (String(text).startsWith('220')) client.write('PASV\\r\\n')
      else connect(50001, '127.0.0.1').resume().on('close', () => process.exit())
    })
  })`

const helpers = ['ftp', 'ft', 'f', 'ftp-21', 'ftpd', 'sip', 'irc', 'an-uncommonly-long-name']
const expiries = ['0', '0:19', '20:40', '41:299999', '300000:500000', '500001:4294967295', '0:4294967295']
const both = (match: string, options: readonly string[]): readonly string[] =>
  options.flatMap(option => [`-m ${match} ${option}`, `-m ${match} ! ${option}`])

const questions = [
  ...both('helper', [...helpers.map(helper => `--helper ${helper}`), '--helper ""']),
  ...both(
    'conntrack',
    expiries.map(range => `--ctexpire ${range}`),
  ),
  '-m conntrack --ctstate INVALID,NEW --ctexpire 0:299999',
]

const rules = [
  '*filter',
  ...['INPUT', 'OUTPUT'].flatMap(chain =>
    questions.flatMap(question => [
      `-A ${chain} ${question}`,
      `-A ${chain} -p tcp -m tcp --dport 50001 ${question}`,
      `-A ${chain} -p udp ${question}`,
    ]),
  ),
  'COMMIT',
  '',
].join('\n')

kernelTest('connections have the helpers and the time left that iptables-legacy says', async t => {
  const ours = direct('netfilter')
  ip([`netns add ${name}`])
  try {
    host.run('ip', ['link', 'set', 'dev', 'lo', 'up'])
    const raw = '*raw\n-A OUTPUT -p tcp --dport 21 -j CT --helper ftp\nCOMMIT\n'
    host.run('iptables-legacy-restore', [], raw, lockEnvironment(host))
    await legacy.load(host, rules)
    await ours.load(host, rules)
    host.run(process.execPath, ['-e', conversation])
    host.run('bash', ['-c', 'for one in 1 2 3; do echo > /dev/udp/127.0.0.1/9; done'])
    const expected = linesOf(await legacy.read(host))
    const related = expected.filter(line => /^\[[1-9].*--dport 50001 .*-m helper --helper "?ftp/.test(line))
    t.true(related.length >= 4, expected.join('\n'))
    t.deepEqual(linesOf(await ours.read(host)), expected)
  } finally {
    await ours.unload?.(host)
    await legacy.unload?.(host)
    host.close()
  }
})
